/**
 * Two services that talk through their sidecars, all real (paper: section 2.2, Figure 4): service A, which is this
 * process, calls its own sidecar (egress), which calls service B's (ingress), which calls service B.
 */
import type { CpuPlan } from '../host/cpus.js';
import { startSidecar } from './envoy.js';
import type { HttpPolicy } from './policy.js';
import type { Backend, EnvoyBinary, Sidecar } from './types.js';

export interface LivePair {
  policy: HttpPolicy;
  /** A's sidecar: takes its calls and sends them to B's. */
  egress: Sidecar;
  /** B's sidecar. */
  ingress: Sidecar;
  /** Service B; whoever started it stops it. */
  backend: Backend;
  /** Stops both sidecars. */
  stop(): Promise<void>;
}

/**
 * Starts both sidecars in front of a running service B; their workers share the one core that workers have.
 * @param policy of both sidecars; without TLS, since a sidecar here speaks it to its clients only.
 * @throws Error when the policy has TLS, or Envoy's own words when it does not start; nothing is left behind then.
 */
export async function startLivePair(policy: HttpPolicy, backend: Backend, options: { envoy?: EnvoyBinary; cpus?: CpuPlan } = {}): Promise<LivePair> {
  if (policy.tls) throw new Error(`policy ${policy.id} has TLS, which the first sidecar does not speak to the second; take one without, e.g. http`);
  const ingress = await startSidecar(policy, { ...options, upstream: backend.address });
  try {
    const egress = await startSidecar(policy, { ...options, upstream: ingress.address });
    return { policy, egress, ingress, backend, stop: async () => { await Promise.all([egress.stop(), ingress.stop()]); } };
  } catch (error) {
    await ingress.stop();
    throw error;
  }
}
