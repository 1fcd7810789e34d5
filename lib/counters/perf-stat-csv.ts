/** `perf stat -x SEPARATOR`, the format of recordings made by hand. */
import { sampleOf, type PerfStatSample } from './perf-stat.js';

/** In the order in which they are tried. */
const separators = [';', ',', '|', '\t', ':'];

/**
 * Fields (man perf-stat, "CSV FORMAT"): the time with -I, the core and how many were added up with -A and the like, value,
 * unit, event, deviation with -r, run time in ns, percent running, metric, its unit. They are not quoted.
 * Lines that hold only a derived metric carry no count and are left out.
 * @param name how errors call the file.
 * @throws Error naming file and line.
 */
export function parsePerfStatCsv(text: string, name: string): PerfStatSample[] {
  const lines = text.split('\n').map((line) => (line.startsWith('#') ? '' : line.trimEnd()));
  const separator = separators.find((one) => lines.some((line) => countAt(line.split(one)) >= 0));
  if (separator === undefined) throw new Error(`${name}:1: no event count in it; it should come from perf stat -x ';'`);
  return lines.flatMap((line, i) => parseLine(line, separator, `${name}:${i + 1}`));
}

/** Where the value stands: unit and event follow it. -1 when there is none. At most time, core and how many come before it. */
function countAt(fields: string[]): number {
  return fields.slice(0, 4).findIndex((field, i) => /^\s*(\d+(\.\d+)?|<not counted>|<not supported>)$/.test(field) && /[A-Za-z]/.test(fields[i + 2] ?? ''));
}

/** Neither value, unit nor event. */
function holdsMetricOnly(fields: string[]): boolean {
  const isEmpty = (at: number) => fields[at]?.trim() === '';
  return isEmpty(0) || [1, 2].some((at) => isEmpty(at) && isEmpty(at + 1) && isEmpty(at + 2));
}

function parseLine(line: string, separator: string, where: string): PerfStatSample[] {
  const fields = line.split(separator);
  const at = countAt(fields);
  if (at < 0) {
    if (holdsMetricOnly(fields)) return [];
    throw new Error(`${where}: no event count: ${line.slice(0, 80)}; the file is cut off, or not from perf stat -x '${separator}'`);
  }
  const [value, unit, ...others] = fields.slice(at).map((field) => field.trim());
  const { event, rest } = eventIn(others, separator);
  const [runtimeNs, runningPercent] = (rest[0]?.endsWith('%') ? rest.slice(1) : rest).map(Number);
  if (!(runtimeNs >= 0) || !(runningPercent >= 0)) {
    throw new Error(`${where}: no run time and percentage behind ${event}: ${line.slice(0, 80)}; the file is cut off`);
  }
  const time = /^\s*\d+\.\d{6,}$/.test(fields[0]) && at > 0 ? { intervalS: Number(fields[0]) } : {};
  return [sampleOf(value, { ...time, event, unit, runtimeNs, runningPercent }, where)];
}

/** An event spelled with its codes may hold the separator: `cpu/event=0x9c,umask=0x1/`. */
function eventIn(fields: string[], separator: string): { event: string; rest: string[] } {
  const isWhole = (text: string) => (text.match(/\//g) ?? []).length % 2 === 0;
  let length = 1;
  while (length < fields.length && !isWhole(fields.slice(0, length).join(separator))) length++;
  return { event: fields.slice(0, length).join(separator), rest: fields.slice(length) };
}
