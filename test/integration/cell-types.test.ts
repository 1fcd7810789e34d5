import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { typeErrors } from '../../lib/report/cells.js';

test('notebooks are type-checked strictly, together with lib', { timeout: 60_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cells-test-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'n.ts');
  fs.writeFileSync(file, [
    '// ---', '// %%', "import { projectRoot } from './lib/host/paths.js';", 'const a = projectRoot();',
    '// %%', 'const a: number = projectRoot();', '// %%', 'await Promise.resolve([1].find((x) => x > 1).toFixed());',
  ].join('\n'));
  expect(typeErrors([file], process.cwd())).toEqual([
    "n.ts:6: Type 'string' is not assignable to type 'number'.",
    "n.ts:8: Object is possibly 'undefined'.",
  ]);
});
