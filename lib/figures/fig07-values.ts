/** What the parts of Figure 7 share: how a value becomes a row or evidence, and which policies a protocol has. */
import type { Estimate } from '../analysis/statistics.js';
import { isEnvoysOwn, paperFig7 } from '../deploy/catalogue.js';
import type { ComponentsData, PolicyInfo } from '../experiments/components-data.js';
import type { Evidence } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';

/** @param reason why there is no value, when the estimate rests on nothing. */
export function row(
  data: ComponentsData, series: string, policy: PolicyInfo, { value, interval, n }: Estimate, unit: string, method: Method, runs: string[],
  reason = 'not measured in this recording, or only in runs with a warning',
): Row {
  const common = { series, x: policy.label, unit, origin: data.origin, runs };
  return n === 0 ? { ...common, value: null, interval: null, method: 'unavailable', reason } : { ...common, value, interval, method };
}

export function evidence(data: ComponentsData, policy: PolicyInfo | null, estimate: Estimate, unit: string, method: Method): Evidence {
  return {
    value: estimate.value, interval: estimate.interval, repeats: estimate.n, unit, method, origin: data.origin,
    runs: policy ? data.allRunsOf(policy.id) : [], case: policy?.label, cpu: data.cpuModel, envoyVersion: data.envoyVersion,
  };
}

/** What claims are judged by. Without TLS, which the paper lists as an operator configuration: its encryption is in reads and writes, not in a filter. */
export function policiesOf(data: ComponentsData, frame: 'tcp' | 'http'): PolicyInfo[] {
  return paperFig7.flatMap((id) => data.policies.filter((policy) => policy.id === id && policy.frame === frame && id !== 'tls' && isEnvoysOwn(policy)));
}
