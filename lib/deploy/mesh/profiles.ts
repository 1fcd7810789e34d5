/**
 * What Istio's two profiles set for a sidecar (istio/istio@1.20.3:manifests/profiles/{default,demo}.yaml). Everything else is
 * the same in both, the chain of filters too. Neither has RBAC, which the paper counts to `default`.
 *
 * Both also limit a sidecar to two CPUs, from which Istio gives its Envoy two worker threads. Here it has one, as in all of
 * the workbench's measurements: what it costs is read from that one.
 */
import type { MeshProfile } from '../application.js';

export interface ProfileSettings {
  /** Requests of a hundred that are traced, where nobody decided before. */
  sampledPercent: number;
  /** A line on standard output for every request and TCP connection. */
  accessLog: boolean;
}

export const profiles: Record<Exclude<MeshProfile, 'none'>, ProfileSettings> = {
  default: { sampledPercent: 1, accessLog: false },
  demo: { sampledPercent: 100, accessLog: true },
};
