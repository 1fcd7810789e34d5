/** What goes between the workbench and its agents besides plain values. */
import type { Collected } from '../../../counters/collector.js';

/** Contents in base64, by name. */
export type AgentFiles = Record<string, string>;

export type RemoteSidecar = Omit<Collected, 'ending'>;

/** Processes of a container, numbered as its node does. */
export interface ContainerProcesses {
  pids: number[];
  /** null where none of them is one. */
  envoy: { pid: number; workerTid: number } | null;
}
