/** The program that takes in what a mesh traces: in a pod of its own, without a sidecar. */
import { projectPath } from '../../host/paths.js';
import type { Address } from '../types.js';

export interface SpanCounts {
  spans: number;
  /** Of the requests that brought them. */
  bytes: number;
  /** By the service whose sidecar sent them, e.g. `details.default`. */
  services: Record<string, number>;
}

export function spanCollector(port: number): { argv: string[]; ready: RegExp } {
  return { argv: [process.execPath, projectPath('environment', 'span-collector', 'span-collector.mjs'), String(port)], ready: /"listening"/ };
}

/** What has come in so far; sidecars send their spans a few at a time, or after five seconds. */
export async function readSpanCounts({ host, port }: Address): Promise<SpanCounts> {
  return (await fetch(`http://${host}:${port}/counts`)).json() as Promise<SpanCounts>;
}
