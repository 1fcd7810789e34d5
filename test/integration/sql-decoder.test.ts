import { expect, it } from 'vitest';
import { rustAvailability } from '../../lib/deploy/mysql-module.js';
import { projectPath, workbenchPath } from '../../lib/host/paths.js';
import { run } from '../../lib/host/process.js';

const rust = await rustAvailability();

/** With what set-up built the module from, so that the parser is not compiled again. */
function cargo(...words: string[]) {
  const [command, ...rest] = words;
  const manifest = projectPath('environment', 'sql-module', 'Cargo.toml');
  return run(['cargo', command, '--quiet', '--release', '--locked', '-p', 'decoder', '--manifest-path', manifest, '--target-dir', workbenchPath('sql-module', 'target'), ...rest], { allow: 'any' });
}

it.skipIf(!rust.available)('the MySQL decoder passes its own tests', async () => {
  const { exitCode, stdout, stderr } = await cargo('test');
  expect(exitCode, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/test result: ok\. [1-9]\d* passed/);
});

it.skipIf(!rust.available)('the MySQL decoder sees the same of ten thousand broken conversations, whole and in pieces, and survives each', async () => {
  const { exitCode, stdout, stderr } = await cargo('run', '--example', 'fuzz', '--', '10000');
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toMatch(/^10000 inputs, .*queries_parsed [1-9]/);
});
