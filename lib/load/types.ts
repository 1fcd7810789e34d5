/** The one interface behind which load generators stand. */
import type { Address } from '../deploy/types.js';

export interface LoadSpec {
  /** `closed`: every connection sends its next request when the last is answered; `open`: at a constant rate, whatever comes back. */
  mode: 'closed' | 'open';
  /** Requests per second over all connections; open mode only. */
  ratePerS?: number;
  connections: number;
  /** Not measured, first. */
  warmUpS: number;
  /** Measured. */
  durationS: number;
  /** Request path; the echo answers N bytes to `/N`. Or a statement for MySQL (sql.ts). */
  path: string;
  /** Opens a connection for every request and closes it after the answer; latency does not include opening it. */
  newConnections?: boolean;
}

/** A fixed number of requests, however long they take. */
export interface BatchSpec {
  requests: number;
  connections: number;
  /** Constant rate; as fast as the connections allow when left out. */
  ratePerS?: number;
  path: string;
}

export interface LoadTarget {
  address: Address;
  tls: boolean;
}

export type GeneratorName = 'native' | 'npm';

export interface LoadOptions {
  /** Cores the generator may use. */
  cpus: number[];
  /** Folder that gets the raw request log, `requests.log`. */
  dir: string;
  /** The native one where it can be built, else the one from npm, by default. */
  generator?: GeneratorName;
}

/** A load under way. It goes on past its measured part until `finish` or `stop`, however long a collector takes to read. */
export interface RunningLoad {
  /** Pid of the generator. */
  pid: number;
  /** Resolves when the warm-up is over. */
  warm: Promise<void>;
  /**
   * Ends the load, once its measured part is over.
   * @throws Error with the generator's last words when it ended badly, or that the load was stopped.
   */
  finish(): Promise<LoadOutcome>;
  /** Ends it early. Nothing happens when it has ended already. */
  stop(): Promise<void>;
}

export interface LoadOutcome {
  generator: { name: string; version: string; argv: string[] };
  /** The measured part, microseconds since the epoch. */
  windowUs: [number, number];
  /** Answered with 2xx inside the window. */
  requests: number;
  /** Failed or answered other than 2xx inside the window, or due inside it and never answered. */
  errors: number;
  /** By HTTP status; `failed` for broken connections, `unanswered` for requests still open at the end. */
  statuses: Record<string, number>;
  intendedRatePerS: number | null;
  /** `requests` per second of the window. */
  achievedRatePerS: number;
  /**
   * Latency in microseconds as a compressed V2 HDR histogram (base64) of the requests due inside the window, answered
   * with 2xx whenever. Open mode: from the *intended* send time, so that a stalled server is charged for every request
   * that should have been sent meanwhile. One never answered counts with the time it was waited for, a lower bound.
   */
  latencyHdr: string;
  /** Latency percentiles in microseconds, from that histogram. */
  latencyUs: { p50: number; p90: number; p99: number; p999: number; max: number; mean: number };
  /** Median latency of the requests due in the first and in the second half of the window: a growing backlog shows here. */
  halvesP50Us: [number, number];
}
