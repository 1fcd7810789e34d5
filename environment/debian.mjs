// @ts-check
/** Debian packages: which are missing here, and how they are installed. The list with its reasons is debian-packages.json. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execute } from './steps.mjs';

/** Where packages go that are not installed but unpacked; lib/host/find-program.ts looks there. */
const unpacked = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), '.workbench', 'debian');

/**
 * @typedef {object} Package
 * @property {string} package
 * @property {string[]} [alternatives] other names of it, tried in order.
 * @property {boolean} [unpack] not installed: unpacked below .workbench/debian, so that no service of it is set up.
 * @property {string} reason
 * @property {string[]} usedBy figures and commands that need it.
 * @property {string[]} [profiles] only set up for these; for all that measure when left out.
 * @property {{ commands?: string[], files?: string[], pythonModule?: string }} provides any one of them shows that it is there.
 */

/**
 * Whether /etc/os-release describes Debian, Ubuntu or one of their children.
 * @param {string} osRelease
 */
export function isDebian(osRelease) {
  const ids = [...osRelease.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap((match) => match[1].split(' '));
  return ids.includes('debian') || ids.includes('ubuntu');
}

/**
 * Packages of a profile whose things are not on this machine, however they came there.
 * @param {Package[]} packages
 * @param {string} profile
 * @param {{ command: (name: string) => boolean, file: (name: string) => boolean, pythonModule: (name: string) => boolean }} there
 */
export function missingPackages(packages, profile, there) {
  return packages.filter(({ profiles, provides }) => {
    if (profiles && !profiles.includes(profile)) return false;
    return !(provides.commands?.some(there.command) || provides.files?.some(there.file)
      || (provides.pythonModule !== undefined && there.pythonModule(provides.pythonModule)));
  });
}

/** @param {string} name a program, looked for on PATH, where root's programs are, and among those unpacked. */
export function onPath(name) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin', path.join(unpacked, 'usr', 'bin')];
  return folders.some((folder) => folder !== '' && fs.existsSync(path.join(folder, name)));
}

/**
 * One line a package: its name, what it is for, who needs it.
 * @param {Package[]} packages
 * @returns {string[]}
 */
export function describe(packages) {
  const width = Math.max(...packages.map((entry) => entry.package.length));
  return packages.map((entry) => `  ${entry.package.padEnd(width)}  ${entry.reason} (${entry.usedBy.join(', ')})`);
}

/**
 * Installs packages with apt-get, or unpacks them.
 * @param {Package[]} packages
 * @param {(line: string) => void} log
 * @returns {Promise<Package[]>} those that this system's archives do not have under any name.
 * @throws {import('./steps.mjs').StepFailed}
 */
export async function installPackages(packages, log) {
  const remedy = 'check the network and /etc/apt/sources.list, or go on without with --no-system';
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const apt = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=300'];
  await execute([...apt, 'update'], { log, env, remedy });
  const found = packages.map((entry) => ({ entry, name: candidateOf(entry) }));
  const names = found.flatMap(({ entry, name }) => (entry.unpack ? [] : name ?? []));
  if (names.length > 0) {
    await execute([...apt, 'install', '--no-install-recommends', ...names], { log, env, remedy, outliveUs: true });
  }
  for (const { entry, name } of found) if (entry.unpack && name !== undefined) await unpack(name, unpacked, { log, env, remedy });
  return found.filter(({ name }) => name === undefined).map(({ entry }) => entry);
}

/**
 * Gets a package without installing it.
 * @param {string} name
 * @param {string} target folder that gets its files.
 * @param {Parameters<typeof execute>[1]} options
 * @throws {import('./steps.mjs').StepFailed}
 */
export async function unpack(name, target, options) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'workbench-package-'));
  try {
    await execute(['apt-get', '-q', 'download', name], { ...options, cwd: folder });
    fs.mkdirSync(target, { recursive: true });
    for (const file of fs.readdirSync(folder)) await execute(['dpkg-deb', '-x', path.join(folder, file), target], options);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/**
 * The first name of a package that this system's archives have; undefined when they have none.
 * @param {{ package: string, alternatives?: string[] }} entry
 */
export function candidateOf(entry) {
  return [entry.package, ...entry.alternatives ?? []].find(hasCandidate);
}

/** @param {string} name */
function hasCandidate(name) {
  const { stdout } = spawnSync('apt-cache', ['policy', name], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  return /^ {2}Candidate: (?!\(none\))/m.test(stdout ?? '');
}
