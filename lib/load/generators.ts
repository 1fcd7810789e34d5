/**
 * The two load generators. Both take the same options and write the same request log (request-log.ts), so that
 * nothing else needs to know which one ran: `native` (generator.c, compiled at first use) and `npm` (npm-generator.ts,
 * Node and undici), for machines without a C compiler. Only the native one speaks MySQL.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Availability } from '../host/availability.js';
import { projectPath, workbenchPath } from '../host/paths.js';
import { CommandFailed, run } from '../host/process.js';
import type { GeneratorName } from './types.js';

export interface Generator {
  name: GeneratorName;
  version: string;
  /** Start of its command line. */
  argv: string[];
}

/** What each is made from, in lib/load/; the first is what is compiled or run. */
export const generatorSources = { native: ['generator.c', 'mysql.h'], npm: ['npm-generator.ts'] } as const;
const remedy = "install a C compiler (Debian: gcc and libc6-dev), or use the generator 'npm'";

/**
 * @param name the native one where it can be built, else the one from npm, by default.
 * @throws Error when the named generator cannot be had here: why, and what to do.
 */
export async function findGenerator(name?: GeneratorName): Promise<Generator> {
  if (name === 'npm') return npmGenerator();
  const native = await buildNative();
  if (native.available) return { name: 'native', version: native.version, argv: [nativeBinary()] };
  if (name === undefined) return npmGenerator();
  throw new Error(`the native load generator is not available: ${native.reason}; ${native.remedy}`);
}

/** Whether the native generator is built, or can be: building it takes about a second, once. */
export async function buildNative(): Promise<Availability> {
  const binary = nativeBinary();
  if (!fs.existsSync(binary)) {
    fs.mkdirSync(path.dirname(binary), { recursive: true });
    const fresh = `${binary}.${process.pid}`;
    try {
      await run(['gcc', '-O2', '-o', fresh, projectPath('lib', 'load', generatorSources.native[0]), '-ldl']);
      fs.renameSync(fresh, binary); // whole or not at all: another workbench may be building it too
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      const missing = error.result.exitCode === 127;
      return { available: false, reason: missing ? 'there is no gcc' : `it does not compile (${error.message})`, remedy };
    }
  }
  return { available: true, version: digest('native') };
}

function npmGenerator(): Generator {
  const undici = JSON.parse(fs.readFileSync(projectPath('node_modules', 'undici', 'package.json'), 'utf8')) as { version: string };
  return {
    name: 'npm',
    version: `${digest('npm')} (node ${process.versions.node}, undici ${undici.version})`,
    argv: [process.execPath, '--import', 'tsx', projectPath('lib', 'load', generatorSources.npm[0])],
  };
}

/** Named after its sources, so that changed ones are built again. */
function nativeBinary(): string {
  return workbenchPath('bin', `load-generator-${digest('native')}`);
}

function digest(name: GeneratorName): string {
  const hash = createHash('sha256');
  for (const source of generatorSources[name]) hash.update(fs.readFileSync(projectPath('lib', 'load', source)));
  return hash.digest('hex').slice(0, 12);
}
