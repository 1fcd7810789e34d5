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
  /** Request path; the echo answers N bytes to `/N`. */
  path: string;
}

export interface LoadTarget {
  address: Address;
  tls: boolean;
}

/** A load under way: `warm` when the warm-up is over, `finished` when all is. */
export interface RunningLoad {
  /** Pid of the generator; this process's own when it generates the load itself. */
  pid: number;
  warm: Promise<void>;
  finished: Promise<LoadOutcome>;
  stop(): Promise<void>;
}

export interface LoadOutcome {
  generator: { name: string; version: string; argv: string[] };
  /** The measured part, microseconds since the epoch. */
  windowUs: [number, number];
  /** Answered inside the window. */
  requests: number;
  /** Failed, timed out or not 2xx. */
  errors: number;
  statuses: Record<string, number>;
  intendedRatePerS: number | null;
  achievedRatePerS: number;
  /**
   * Latency in microseconds as a compressed V2 HDR histogram (base64). Open mode: from the *intended* send time,
   * so that a stalled server is charged for every request that should have been sent meanwhile.
   */
  latencyHdr: string;
  /** Latency percentiles in microseconds, from that histogram. */
  latencyUs: { p50: number; p90: number; p99: number; p999: number; max: number; mean: number };
}
