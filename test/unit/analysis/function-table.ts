import type { FunctionTable } from '../../../lib/analysis/function-names.js';

export interface LiteralFunction {
  symbols?: string[];
  /** `file:line function` of each log statement. */
  logs?: string[];
  /** Mangled class and slot in its primary table. */
  virtual?: [mangledClass: string, slot: number];
}

/** A function table as a literal: function `i` is [0x1000 + 16 i, 0x1000 + 16 i + 16). */
export function functionTable(functions: LiteralFunction[]): FunctionTable {
  const strings: string[] = [];
  const text = (value: string) => {
    if (!strings.includes(value)) strings.push(value);
    return strings.indexOf(value);
  };
  const symbols = functions.flatMap((f, i) => (f.symbols ?? []).map((name) => [i, text(name)]));
  const sites = functions.flatMap((f, i) => (f.logs ?? []).map((log) => {
    const [, file, line, name] = /^(.*):(\d+) (.*)$/.exec(log)!;
    return [i, text(file), text(name), Number(line)];
  }));
  const places = functions.flatMap((f, i) => (f.virtual ? [[i, text(f.virtual[0]), f.virtual[1], 1]] : []));
  const column = (rows: number[][], i: number) => Uint32Array.from(rows, (row) => row[i]);
  return {
    path: 'literal', buildId: null, segments: [], strings,
    starts: Float64Array.from(functions, (_, i) => 0x1000 + 16 * i), ends: Float64Array.from(functions, (_, i) => 0x1010 + 16 * i),
    symbolFunction: column(symbols, 0), symbolName: column(symbols, 1),
    siteFunction: column(sites, 0), siteFile: column(sites, 1), siteName: column(sites, 2), siteLine: column(sites, 3),
    virtualFunction: column(places, 0), virtualClass: column(places, 1), virtualSlot: column(places, 2), virtualPrimary: column(places, 3),
  };
}
