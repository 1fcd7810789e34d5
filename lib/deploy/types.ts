/** What bringing things up returns; addresses and pids are values, never constants. */
import type { Policy } from './policy.js';

export interface Address {
  host: string;
  port: number;
}

/** A ready envoy.yaml of the user's own; whatever takes a policy takes it. Made by `userConfig()`. */
export interface UserConfig {
  frame: 'user';
  id: string;
  label: string;
  /** The file's text. */
  yaml: string;
  /** The file's name, for messages. */
  file?: string;
  /** Name of the listener clients use; needed when the file has several. */
  listener?: string;
  /** Names of the clusters that become the backend; those that the listener's routes name when left out. */
  clusters?: string[];
}

export type SidecarConfig = Policy | UserConfig;

export interface EnvoyBinary {
  path: string;
  /** e.g. `1.40.0` */
  version: string;
  /** GNU build id in hex, or the SHA-256 of the file when it has none. */
  buildId: string;
}

export interface Sidecar {
  pid: number;
  /** Thread id of wrk:worker_0, the only thread on the worker core. */
  workerTid: number;
  /** Where clients connect. */
  address: Address;
  admin: Address;
  /** Whether clients must speak TLS to `address`. */
  tls: boolean;
  envoy: EnvoyBinary;
  /** The configuration Envoy runs, as rendered. */
  yaml: string;
  /** The same with ports and paths normalised: what a run key is made of. */
  normalisedYaml: string;
  /** Envoy's counters and gauges (admin /stats), by full name. */
  stats(): Promise<Record<string, number>>;
  alive(): boolean;
  /** How it ended, with its last words; null while it runs. */
  ending(): Promise<string | null>;
  stop(): Promise<void>;
}

export interface Backend {
  /** `socketify` (the paper's echo), `node` (its stand-in) or `mariadb`. */
  name: string;
  version: string;
  /** Why the paper's backend was not used; null when it was. */
  standInReason: string | null;
  pid: number;
  address: Address;
  alive(): boolean;
  /** How it ended, with its last words; null while it runs. */
  ending(): Promise<string | null>;
  stop(): Promise<void>;
}
