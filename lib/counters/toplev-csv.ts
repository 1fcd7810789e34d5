/** What `toplev -x SEPARATOR` writes (pmu-tools tl_output.py). */

export interface ToplevNode {
  /** e.g. `Frontend_Bound.Fetch_Latency`. */
  node: string;
  /** In `unit`; shares are in per cent. */
  value: number;
  /** e.g. `% Slots`, `% Clocks`. */
  unit: string;
  /** Below the threshold from which toplev takes it for worth a look. */
  below: boolean;
  /** Part of the time in which its events were counted; null where toplev did not say. */
  runningPercent: number | null;
  /** The node that toplev points at. */
  bottleneck: boolean;
  /** Core or thread it is of; null where the whole command was measured. */
  cpu: string | null;
  /** Seconds since the start with -I, `SUMMARY` for what sums it up; null without. */
  time: number | 'SUMMARY' | null;
}

const columns = ['Timestamp', 'CPUs', 'Area', 'Value', 'Unit', 'Description', 'Sample', 'Stddev', 'Multiplex', 'Bottleneck', 'Idle'] as const;
type Column = (typeof columns)[number];

/** What toplev says besides, where its messages went into the same file. */
const remark = /^(#|Using level|Run toplev|Add --nodes|Will measure|perf stat |warning|\d+ (nodes|events) )/i;

/**
 * @param name how errors call the file.
 * @throws Error naming file and line.
 */
export function parseToplev(text: string, name: string): ToplevNode[] {
  let header: { separator: string; columns: string[] } | null = null;
  const nodes: ToplevNode[] = [];
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '' || remark.test(line)) return;
    const found = headerIn(line);
    if (found) header = found;
    else nodes.push(nodeIn(line, header, `${name}:${i + 1}`));
  });
  if (nodes.length === 0) throw new Error(`${name}:1: no node in it; it should come from toplev -x,`);
  return nodes;
}

function headerIn(line: string): { separator: string; columns: string[] } | null {
  const separator = /^(?:Timestamp(.))?(?:CPUs(.))?Area(.)Value/.exec(line)?.[3];
  return separator === undefined ? null : { separator, columns: line.trim().split(separator) };
}

function nodeIn(line: string, header: { separator: string; columns: string[] } | null, where: string): ToplevNode {
  if (!header) throw new Error(`${where}: no header (Area, Value, ...) before ${line.slice(0, 60)}; it should come from toplev -x,`);
  const fields = unquoted(line.trimEnd(), header.separator);
  if (fields.length !== header.columns.length) throw new Error(`${where}: ${fields.length} fields, the header has ${header.columns.length}: ${line.slice(0, 60)}; the file is cut off, or not from toplev -x,`);
  const field = (column: Column) => fields[header.columns.indexOf(column)] ?? '';
  const value = Number(field('Value'));
  if (field('Value') === '' || !Number.isFinite(value)) throw new Error(`${where}: "${field('Value')}" is no value of ${field('Area')}`);
  const time = field('Timestamp');
  return {
    node: field('Area'), value, unit: field('Unit').replace(/\s*<$/, ''), below: field('Unit').endsWith('<'),
    runningPercent: field('Multiplex') === '' ? null : Number(field('Multiplex')), bottleneck: field('Bottleneck').includes('<=='),
    cpu: field('CPUs') || null, time: time === '' ? null : time === 'SUMMARY' ? time : Number(time),
  };
}

/** Fields with the separator in them stand in double quotes. */
function unquoted(line: string, separator: string): string[] {
  const fields: string[] = [''];
  let quoted = false;
  for (const character of line) {
    if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) fields.push('');
    else fields[fields.length - 1] += character;
  }
  return fields;
}
