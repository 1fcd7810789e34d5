#!/usr/bin/env node
// @ts-check
/**
 * Runs a command of the workbench after doing the set-up it needs.
 *
 * Usage: node environment/run.mjs COMMAND [--no-system] [arguments]   (npm run COMMAND -- [arguments])
 *
 * The command runs in this very process: one less to start, and no second one to outlive the first when it is killed.
 */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setUp } from './setup.mjs';
import { StepFailed } from './steps.mjs';

/** Commands that work on recorded data alone. */
const WITHOUT_MEASURING = ['figures', 'pack', 'import'];

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const require = createRequire(path.join(root, 'package.json'));

/** The scripts of package.json that come through here. */
function commandNames() {
  /** @type {Record<string, string>} */
  const scripts = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).scripts;
  return Object.keys(scripts).filter((name) => scripts[name] === `node environment/run.mjs ${name}`).sort();
}

/**
 * @param {string} command
 * @returns {import('./setup.mjs').Profile}
 */
export function profileOf(command) {
  if (command === 'test' || command === 'test:cluster') return 'test';
  return WITHOUT_MEASURING.includes(command) ? 'figures' : 'full';
}

/** @param {string[]} args */
async function main([command, ...args]) {
  const commands = commandNames();
  if (!commands.includes(command)) throw new StepFailed(`no command "${command ?? ''}"`, `there are ${commands.join(', ')}`);
  await setUp({ profile: profileOf(command), system: !args.includes('--no-system') });
  const rest = args.filter((arg) => arg !== '--no-system');
  process.chdir(root);
  if (command === 'test') await runTests(rest);
  else if (command === 'test:cluster') {
    process.env.CLUSTER = '1';
    await runTests(['--project', 'cluster', ...rest]);
  } else {
    await import(pathToFileURL(require.resolve('tsx')).href);
    await runScript(path.join(root, 'lib', 'commands', `${command}.ts`), rest);
  }
}

/** @param {string[]} args of vitest. */
function runTests(args) {
  return runScript(path.join(path.dirname(require.resolve('vitest/package.json')), 'vitest.mjs'), ['run', ...args]);
}

/**
 * As `node SCRIPT ARGS` would, here.
 * @param {string} script
 * @param {string[]} args
 */
async function runScript(script, args) {
  process.argv = [process.argv[0], script, ...args];
  await import(pathToFileURL(script).href);
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error) => {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`${error.message}; ${error.remedy}`);
    process.exitCode = 1;
  });
}
