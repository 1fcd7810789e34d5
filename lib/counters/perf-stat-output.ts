/** What `perf stat` prints for programs, in both of its formats: `-x SEPARATOR`, which every perf has, and `-j`, since 6.0. */

export interface PerfStatSample {
  /** Seconds since the start, where perf was asked to print every so often (-I). */
  intervalS?: number;
  /** As perf prints it, e.g. `instructions:u`. */
  event: string;
  /** null unless counted. */
  value: number | null;
  status: 'counted' | 'not counted' | 'not supported';
  /** Empty for plain counts, `msec` for clocks. */
  unit: string;
  /** Nanoseconds during which the event was on a counter. */
  runtimeNs: number;
  /** Part of the time it was on a counter; below 100 the value is scaled up. */
  runningPercent: number;
}

/**
 * Counts in the order in which they stand there. Lines that hold only a derived metric carry no count and are left out.
 * @param name how errors call the file.
 * @throws Error naming file and line.
 */
export function parsePerfStat(text: string, name: string): PerfStatSample[] {
  const lines = text.split('\n').map((line) => (line.startsWith('#') ? '' : line.trimEnd()));
  const isJson = lines.find((line) => line !== '')?.trimStart().startsWith('{') ?? false;
  const samples = isJson ? lines.flatMap((line, i) => parseJsonLine(line.trim(), `${name}:${i + 1}`)) : parseFields(lines, name);
  if (samples.length === 0) throw new Error(`${name}:1: no event count in it; it should come from perf stat -x ';' or -j, left to end by itself`);
  return samples;
}

/** In the order in which they are tried. */
const separators = [';', ',', '|', '\t', ':'];

/**
 * Fields (man perf-stat, "CSV FORMAT"): the time with -I, the core and how many were added up with -A and the like, value,
 * unit, event, deviation with -r, run time in ns, percent running, metric, its unit. They are not quoted.
 */
function parseFields(lines: string[], name: string): PerfStatSample[] {
  const separator = separators.find((one) => lines.some((line) => countAt(line.split(one)) >= 0));
  return separator === undefined ? [] : lines.flatMap((line, i) => parseFieldLine(line, separator, `${name}:${i + 1}`));
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

function parseFieldLine(line: string, separator: string, where: string): PerfStatSample[] {
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

/**
 * One JSON object a line; counts are strings that may also say `<not counted>` or `<not supported>`
 * (linux tools/perf/Documentation/perf-stat.txt, "JSON FORMAT").
 */
function parseJsonLine(line: string, where: string): PerfStatSample[] {
  if (line === '' || line.startsWith('#')) return [];
  const fields = parseObject(line, where);
  if (!('counter-value' in fields) && ('metric-value' in fields || 'metricgroup' in fields)) return [];
  const { interval, event, unit, 'counter-value': value, 'event-runtime': runtimeNs, 'pcnt-running': runningPercent } = fields;
  if (typeof event !== 'string' || typeof value !== 'string' || typeof runtimeNs !== 'number' || typeof runningPercent !== 'number') {
    throw new Error(`${where}: no event count: ${line.slice(0, 80)}; it should come from perf stat -j`);
  }
  const at = typeof interval === 'number' ? { intervalS: interval } : {};
  return [sampleOf(value, { ...at, event, unit: typeof unit === 'string' ? unit : '', runtimeNs, runningPercent }, where)];
}

/** @param value as perf writes it, in either of its formats. @throws Error naming the line when it is no count. */
function sampleOf(value: string, common: Omit<PerfStatSample, 'value' | 'status'>, where: string): PerfStatSample {
  if (value === '<not supported>' || value === '<not counted>') {
    return { ...common, value: null, status: value === '<not counted>' ? 'not counted' : 'not supported' };
  }
  const count = Number(value);
  if (value === '' || !Number.isFinite(count)) throw new Error(`${where}: "${value}" is no count of ${common.event}; was perf run without LC_ALL=C?`);
  return { ...common, value: count, status: 'counted' };
}

function parseObject(line: string, where: string): Record<string, unknown> {
  try {
    // perf 6.13 leaves a comma behind where an event has no metric.
    const value = JSON.parse(line.replace(/,\s*\}$/, '}')) as unknown;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new Error(`${where}: not a JSON object: ${line.slice(0, 80)}; the file is cut off, or not from perf stat -j`);
}
