/**
 * A worker whose time passes slowly, so that timers come due as rarely in a traced request as in one at full speed:
 * a library that is preloaded into Envoy (environment/slow-clock says how and why).
 */
import * as fs from 'node:fs';
import type { Availability } from '../host/availability.js';
import { projectPath, workbenchPath } from '../host/paths.js';
import { run } from '../host/process.js';

const source = ['environment', 'slow-clock', 'slow-clock.c'];

/**
 * The words to put before a command line so that its workers have that clock; builds the library when it is missing or
 * older than its source.
 * @param environment further variables.
 * @throws Error when it cannot be built.
 */
export async function slowClockWrap(environment: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const variables = { ...environment, LD_PRELOAD: await buildLibrary() };
  return ['env', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)];
}

/** Whether it can be built here. */
export async function probeSlowClock(): Promise<Availability> {
  try {
    await buildLibrary();
    return { available: true, version: '1' };
  } catch (error) {
    return { available: false, reason: `the traced worker's clock does not build: ${(error as Error).message}`, remedy: 'install the packages gcc and libc6-dev' };
  }
}

async function buildLibrary(): Promise<string> {
  const library = workbenchPath('slow-clock.so');
  const changedAt = (file: string) => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
  if (changedAt(library) < changedAt(projectPath(...source))) {
    const unfinished = `${library}.${process.pid}`;
    await run(['gcc', '-O2', '-Wall', '-Werror', '-shared', '-fPIC', '-ftls-model=initial-exec', '-o', unfinished, projectPath(...source)]);
    fs.renameSync(unfinished, library);
  }
  return library;
}
