/** The emulator as one file that Node starts in a fifth of a second: bundled at first use, named after what it is made from. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { bundleProgram } from '../host/bundle.js';
import { projectPath, workbenchPath } from '../host/paths.js';

const libraries = ['@grpc/grpc-js', 'ioredis', 'memcache-client', 'esbuild'];

/** Digest of its sources and of the versions of its libraries, e.g. `0f3a9c51be20`. */
export function emulatorDigest(): string {
  const hash = createHash('sha256');
  const folder = projectPath('lib', 'apps', 'emulator');
  const sources = [...fs.readdirSync(folder).sort().map((name) => path.join(folder, name)), projectPath('lib', 'apps', 'call-graph.ts')];
  for (const source of sources) hash.update(fs.readFileSync(source));
  for (const library of libraries) hash.update(`${library} ${versionOf(library)}`);
  return hash.digest('hex').slice(0, 12);
}

/** Being made by this process: whoever else asks meanwhile waits for the same. */
const making = new Map<string, Promise<void>>();

/**
 * Path of the bundle.
 * @throws CommandFailed when it cannot be made: esbuild's last words.
 */
export async function emulatorBundle(): Promise<string> {
  const bundle = workbenchPath('bin', `emulator-${emulatorDigest()}.cjs`);
  if (fs.existsSync(bundle)) return bundle;
  if (!making.has(bundle)) making.set(bundle, bundleProgram(path.join('lib', 'apps', 'emulator', 'main.ts'), bundle).finally(() => making.delete(bundle)));
  await making.get(bundle);
  return bundle;
}

function versionOf(library: string): string {
  return (JSON.parse(fs.readFileSync(projectPath('node_modules', library, 'package.json'), 'utf8')) as { version: string }).version;
}
