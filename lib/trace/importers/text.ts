/** Reading the text that other tracers write: any size, line by line, each error with its place. */
import * as fs from 'node:fs';
import { createTraceWriter, type TraceTotals, type TraceWriter } from '../format.js';
import type { TraceHeader } from '../trace.js';

/**
 * Visits every line of a file, without its line end.
 * @throws Error as the visit does, with `file:line: ` before its message.
 */
export async function eachLine(file: string, visit: (line: string) => void): Promise<void> {
  let number = 0;
  let rest = '';
  const take = (line: string) => {
    number++;
    try {
      visit(line.endsWith('\r') ? line.slice(0, -1) : line);
    } catch (error) {
      throw new Error(`${file}:${number}: ${(error as Error).message}`);
    }
  };
  for await (const piece of fs.createReadStream(file, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
    const lines = (rest + (piece as string)).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(take);
  }
  if (rest !== '') take(rest);
}

/** Writes a trace with `fill`; nothing remains of it when that fails. */
export async function importInto(file: string, header: TraceHeader, fill: (writer: TraceWriter) => Promise<void>): Promise<TraceTotals> {
  const writer = createTraceWriter(file, header);
  try {
    await fill(writer);
    return await writer.finish();
  } catch (error) {
    writer.discard();
    throw error;
  }
}

/** Addresses from here on are the kernel's (x86-64, 47 bits for user code). */
export const USER_END = 2 ** 47;
