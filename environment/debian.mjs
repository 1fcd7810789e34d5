// @ts-check
/** Debian packages: which are missing here, and how they are installed. The list with its reasons is debian-packages.json. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { execute } from './steps.mjs';

/**
 * @typedef {object} Package
 * @property {string} package
 * @property {string[]} [alternatives] other names of it, tried in order.
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

/** @param {string} name a program, looked for on PATH and where root's programs are. */
export function onPath(name) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
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
 * Installs packages with apt-get.
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
  const found = packages.map((entry) => ({ entry, name: [entry.package, ...entry.alternatives ?? []].find(hasCandidate) }));
  const names = found.flatMap(({ name }) => name ?? []);
  if (names.length > 0) {
    await execute([...apt, 'install', '--no-install-recommends', ...names], { log, env, remedy, outliveUs: true });
  }
  return found.filter(({ name }) => name === undefined).map(({ entry }) => entry);
}

/** @param {string} name */
function hasCandidate(name) {
  const { stdout } = spawnSync('apt-cache', ['policy', name], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  return /^ {2}Candidate: (?!\(none\))/m.test(stdout ?? '');
}
