/**
 * `npm run notebooks`: makes the committed .ipynb from their text, with outputs drawn from committed data only.
 * `-- --check` compares instead and exits with 1 on a difference; `-- --only 00,03` takes some.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { projectPath, workbenchPath } from '../host/paths.js';
import { differences, executeNotebooks, notebookSources, readNotebook } from '../report/notebooks.js';

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false }, only: { type: 'string' } } });
  const sources = notebookSources(values.only?.split(','));
  const out = workbenchPath('notebooks');
  const committed = projectPath('notebooks');
  const outcomes = await executeNotebooks(sources, {
    mode: 'recorded', out, previous: committed, html: values.check ? undefined : projectPath('results', 'notebooks'),
  });
  const problems = outcomes.flatMap(({ notebook, failure }) => {
    const [target, fresh] = [committed, out].map((folder) => path.join(folder, `${notebook}.ipynb`));
    if (failure) return [`${notebook}: ${failure}`];
    if (values.check) return compare(target, fresh).map((difference) => `${notebook}: ${difference}; run \`npm run notebooks\``);
    fs.copyFileSync(fresh, target);
    return [];
  });
  problems.forEach((problem) => console.error(problem));
  return problems.length === 0 ? 0 : 1;
}

function compare(committed: string, fresh: string): string[] {
  if (!fs.existsSync(committed)) return ['no .ipynb is committed'];
  return differences(readNotebook(committed), readNotebook(fresh));
}

main().then((code) => { process.exitCode = code; }, (error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
