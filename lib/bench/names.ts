/** Are recovered names right, where something else can contradict them? And how many functions have one? */
import { exportedNames, filesAndClasses, overridingMethods, type Agreement } from '../analysis/name-agreement.js';
import { nameFunctions, nameOf, type FunctionTable, type NameSource } from '../analysis/function-names.js';
import { count, judged, noneWrong, percent, printed, type BenchRow } from './row.js';
import type { Scene } from './scene.js';

const shown = 5;

export async function names({ testbed }: Scene): Promise<BenchRow[]> {
  const { path, version } = testbed.envoy;
  const table = await nameFunctions(path);
  const envoy = `Envoy ${version}`;
  return [
    agreement(`names by log statements against exported symbols (${envoy})`, exportedNames(table), ({ log, symbols }) => `${log} is exported as ${symbols.join(', ')}`),
    agreement(`files of log statements against classes of virtual tables (${envoy})`, filesAndClasses(table), (pair) => `${pair.file} is not about ${pair.class}`),
    agreement(`names by log statements of methods overriding one another (${envoy})`, overridingMethods(path, table), ({ method, names: all }) => `${method}: ${all.join(', ')}`),
    shareNamed(`functions named (${envoy})`, table),
  ];
}

function agreement<Case>(what: string, { compared, disagreeing }: Agreement<Case>, describe: (one: Case) => string): BenchRow {
  // Nothing compared is nothing shown.
  const wrong = compared > 0 ? [disagreeing.length] : [];
  return judged(what, noneWrong, wrong, `${disagreeing.length} wrong of ${count(compared)}`, disagreeing.slice(0, shown).map(describe));
}

function shareNamed(what: string, table: FunctionTable): BenchRow {
  const bySource: Record<NameSource, number> = { symbol: 0, log: 0, rtti: 0 };
  for (const index of table.starts.keys()) {
    const name = nameOf(table, index);
    if (name) bySource[name.source]++;
  }
  const named = bySource.symbol + bySource.log + bySource.rtti;
  const share = named / table.starts.length;
  return judged(what, printed, [share], `${percent(0)(share)} of ${count(table.starts.length)}`, [
    `${count(bySource.symbol)} by exported symbols, ${count(bySource.log)} by log statements, ${count(bySource.rtti)} by class and virtual slot`,
    "held against a program's own symbols and debug information by test/recorded/function-names.test.ts",
  ]);
}
