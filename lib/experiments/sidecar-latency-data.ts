/** Tidy data of experiment `sidecar-latency`: raw runs in, one entry a traced sidecar. */
import type { Recording, Run } from '../store/run-store.js';
import { newestOnly } from './newest.js';
import { readLatency, type TracedLatency } from './traced-latency.js';
import { isGood } from './warnings.js';

/** One sidecar under one profile, in one repeat. */
export interface TracedSidecar extends TracedLatency {
  application: string;
  profile: string;
  service: string;
  repeat: number;
  run: string;
}

export interface SidecarLatencyData {
  origin: string;
  cpuModel: string;
  envoyVersion: string;
  sidecars: TracedSidecar[];
}

/**
 * Reads one recording's runs of the experiment.
 * @throws Error naming file and line when raw output is damaged.
 */
export function sidecarLatencyData(recording: Pick<Recording, 'origin'>, all: readonly Run[]): SidecarLatencyData {
  return {
    origin: recording.origin,
    cpuModel: all[0].provenance.machine.cpuModel,
    envoyVersion: all[0].provenance.envoyVersion,
    sidecars: newestOnly(all.filter(isGood)).map((run): TracedSidecar => {
      const { graph, profile, observed } = run.spec.application!;
      return { application: graph, profile, service: observed!, repeat: run.repeat, run: run.id, ...readLatency(run.dir) };
    }),
  };
}
