/** How a quantity of a traced policy becomes a row or evidence, in the figures and tables drawn from traces. */
import type { Estimate } from '../analysis/statistics.js';
import type { TracedPolicy, TracesData } from '../experiments/traces-data.js';
import type { Evidence } from '../report/verdicts.js';
import type { Row } from '../store/value.js';

const method = 'measured: instruction trace';

export function tracedRow(data: TracesData, { policy, run }: TracedPolicy, x: string, { value, interval }: Estimate, unit: string): Row {
  return { series: policy.label, x, value, interval, unit, method, origin: data.origin, runs: [run] };
}

export function tracedEvidence(data: TracesData, { policy, run }: TracedPolicy, { value, interval, n }: Estimate, unit: string): Evidence {
  return {
    value, interval, repeats: n, unit, method, origin: data.origin, runs: [run], case: policy.label, cpu: data.cpuModel, envoyVersion: data.envoyVersion,
  };
}
