import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkCells, nest, parseCells } from '../../../lib/report/cells.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cells-test-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function notebook(text: string): string {
  const file = path.join(folder, 'n.ts');
  fs.writeFileSync(file, text);
  return file;
}

test('a text is split at its cell marks, the header left out', () => {
  expect(parseCells('// ---\n// ---\n\n// %% [markdown]\n// # Title\n\n// %% tags=["a"]\nconst a = 1;\n')).toEqual([
    { kind: 'markdown', line: 5, text: '// # Title' },
    { kind: 'code', line: 8, text: 'const a = 1;' },
  ]);
});

describe('cells that break a rule are named by line', () => {
  test.each([
    ['let', '// %%\nconst a = 1;\nlet b = 2;', ['n.ts:3: only const at the top of a cell']],
    ['eleven lines', `// %%\n${'1;\n'.repeat(11)}`, ['n.ts:2: cell of 11 lines; at most 10, move logic to lib/']],
    ['a wide line', `// %%\nconst a = '${'x'.repeat(100)}';`, ['n.ts:2: line of more than 100 columns']],
    ['shorthand of an earlier cell', '// %%\nconst a = 1;\n// %%\nconsole.log({ a });', ['n.ts:4: {a} of an earlier cell fails when run; write {a: a}']],
    ['shorthand of the same cell', '// %%\nconst a = 1;\nconsole.log({ a });', []],
    ['let inside a function', '// %%\nconst f = () => { let i = 0; return ++i; };', []],
  ])('%s', (_, text, problems) => expect(checkCells(notebook(text))).toEqual(problems));
});

test('nesting keeps line numbers and lets a later cell declare a name again', () => {
  const nested = nest("// h\n// %%\nimport { a } from './lib/a.js';\nconst b = a;\n// %%\nconst b = 'again';\n");
  expect(nested.split('\n')).toEqual(["import { a } from './lib/a.js'; ", '{', '', 'const b = a;', '{', "const b = 'again';", '', '}}']);
});
