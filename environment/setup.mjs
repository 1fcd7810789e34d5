#!/usr/bin/env node
// @ts-check
/**
 * Brings a fresh clone on a fresh machine to where its commands run. Needs nothing but Node.
 *
 * Usage: node environment/setup.mjs [--profile figures|full|test] [--no-system]
 *   figures  npm packages: what redrawing from committed data needs
 *   full     also Debian packages, the Python environment, the instruction counter and the notebook kernel (default)
 *   test     also what only tests need
 *   --no-system  leave the system's packages alone
 * Everything but Debian packages goes into the clone: node_modules/ and .workbench/.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, installPackages, isDebian, missingPackages, onPath } from './debian.mjs';
import { execute, runSteps, StepFailed } from './steps.mjs';

/** @typedef {'figures' | 'full' | 'test'} Profile */
/** @typedef {import('./steps.mjs').Step} Step */
/** @typedef {import('./steps.mjs').Note} Note */

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const workbench = path.join(root, '.workbench');
const venv = path.join(workbench, 'venv');
/** Where lib/host/valgrind.ts looks for them. */
const valgrindTools = path.join(workbench, 'valgrind-tool');
/** Where lib/deploy/mysql-module.ts looks for it. */
const sqlModules = path.join(workbench, 'sql-module');
const setupFolder = path.join(workbench, 'setup');

const MIN_NODE = [20, 19];
const MIN_PYTHON = [3, 10];

/**
 * Does what is missing for a profile, with progress lines.
 * @param {{ profile?: Profile, system?: boolean, log?: (line: string) => void }} [options]
 * @returns {Promise<{ ran: string[], notes: Note[] }>} what was done, and what this machine goes without and why.
 * @throws {StepFailed} when nothing can work: Node too old, or no npm packages.
 */
export async function setUp({ profile = 'full', system = true, log = console.log } = {}) {
  const started = Date.now();
  checkNode(process.versions.node);
  const result = await runSteps(stepsOf(profile, system), { folder: setupFolder, log });
  for (const note of result.notes) log(`set-up: without ${note.step}: ${note.reason}; ${note.remedy}`);
  if (result.ran.length > 0) log(`set-up: ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return result;
}

/**
 * @param {string} version e.g. `20.19.1`
 * @throws {StepFailed} when it is too old.
 */
export function checkNode(version) {
  if (!atLeast(version, MIN_NODE)) {
    throw new StepFailed(`Node ${version} is too old`, `install Node ${MIN_NODE.join('.')} or newer: https://nodejs.org/en/download`);
  }
}

/**
 * @param {string} version
 * @param {number[]} minimum
 */
function atLeast(version, [major, minor]) {
  const [gotMajor, gotMinor] = version.split('.').map(Number);
  return gotMajor > major || (gotMajor === major && gotMinor >= minor);
}

/**
 * @param {Profile} profile
 * @param {boolean} system
 * @returns {Step[]}
 */
function stepsOf(profile, system) {
  if (profile === 'figures') return [npmPackages()];
  const everywhere = [npmPackages(), pythonEnvironment(), notebookKernel()];
  if (measuringImpossible(process.platform, process.arch)) return everywhere;
  return [npmPackages(), systemPackages(profile, system), pythonEnvironment(), notebookKernel(), instructionCounter(), sqlModule()];
}

/**
 * Why nothing can be measured on a kind of machine, null where it can.
 * @param {string} platform
 * @param {string} arch
 */
export function measuringImpossible(platform, arch) {
  if (platform === 'linux' && arch === 'x64') return null;
  return `measuring needs Linux on x86-64, this is ${platform} on ${arch}; \`npm run figures\` and \`npm run lab\` work on committed data`;
}

/** @returns {Step} */
function npmPackages() {
  return {
    id: 'npm',
    label: 'npm packages',
    expect: 'about 30 s, 570 MB',
    required: true,
    done: () => lockfileInstalled(readJson(path.join(root, 'package-lock.json')), readJson(path.join(root, 'node_modules', '.package-lock.json'))),
    run: async (log) => {
      const remedy = 'check the network and the npm registry (`npm ping`), then run the same command again';
      await execute([npmCommand(), 'ci', '--include=dev', '--no-audit', '--no-fund'], { log, cwd: root, remedy });
    },
  };
}

function npmCommand() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}

/**
 * Whether node_modules holds what package-lock.json says, going by the lockfile npm leaves there when it has finished.
 * @param {any} wanted package-lock.json
 * @param {any} installed node_modules/.package-lock.json, undefined when there is none.
 */
export function lockfileInstalled(wanted, installed) {
  if (!installed) return false;
  return Object.entries(wanted.packages).every(([name, { version, optional, devOptional, link }]) => {
    if (name === '' || link) return true;
    const there = installed.packages[name];
    // Optional ones are other platforms' binaries.
    return there ? there.version === version : Boolean(optional || devOptional);
  });
}

/** @param {string} file */
function readJson(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
}

/**
 * @param {Profile} profile
 * @param {boolean} system
 * @returns {Step}
 */
function systemPackages(profile, system) {
  const unavailable = path.join(setupFolder, 'debian-unavailable.json');
  /** @type {import('./debian.mjs').Package[]} */ const listed = readJson(path.join(here, 'debian-packages.json')).packages;
  const missing = () => missingPackages(listed, profile, { command: onPath, file: fs.existsSync, pythonModule: hasPythonModule });
  // What the archives do not have is not asked for again at every start.
  const worthTrying = () => missing().filter((entry) => !(readJson(unavailable) ?? []).includes(entry.package));
  return {
    id: 'system',
    label: 'Debian packages',
    done: () => worthTrying().length === 0,
    impossible: () => {
      const why = whyNoApt(system);
      const names = missing().map((entry) => entry.package);
      return why ? { reason: `${names.join(', ')} missing and ${why}`, remedy: `as root: apt-get install --no-install-recommends ${names.join(' ')}` } : null;
    },
    run: async (log) => {
      const wanted = missing();
      log(`installs\n${describe(wanted).join('\n')}`);
      const without = await installPackages(wanted, log);
      fs.writeFileSync(unavailable, JSON.stringify(without.map((entry) => entry.package)));
      if (without.length > 0) log(`not in this system's archives: ${without.map((entry) => entry.package).join(', ')}`);
    },
  };
}

/**
 * @param {boolean} system
 * @returns {string | null}
 */
function whyNoApt(system) {
  if (!system) return '--no-system was given';
  const osRelease = fs.existsSync('/etc/os-release') ? fs.readFileSync('/etc/os-release', 'utf8') : '';
  if (!isDebian(osRelease) || !onPath('apt-get')) return 'this is not Debian or Ubuntu';
  return process.getuid?.() === 0 ? null : 'only root can install them';
}

/**
 * The environment that is there proves it, without starting Python at every start.
 * @param {string} name
 */
function hasPythonModule(name) {
  if (fs.existsSync(path.join(venv, 'bin', 'python'))) return true;
  return spawnSync(python(), ['-c', `import ${name}`], { stdio: 'ignore' }).status === 0;
}

function python() {
  return process.env.PYTHON ?? 'python3';
}

/** @returns {Step} */
function pythonEnvironment() {
  return {
    id: 'python',
    label: 'Python environment with Envoy, socketify and JupyterLab',
    expect: 'about 40 s, 440 MB',
    inputs: [path.join(here, 'requirements.txt')],
    state: () => root, // its scripts name the folder they were installed in
    done: () => environmentWorks(venv),
    impossible: () => whyNoPython(),
    run: async (log) => {
      await execute([python(), '-m', 'venv', '--clear', venv], {
        log, remedy: 'Debian and Ubuntu: install the package python3-venv; elsewhere a Python that has the venv module',
      });
      await execute([path.join(venv, 'bin', 'pip'), 'install', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off', '--require-hashes', '-r', path.join(here, 'requirements.txt')], {
        log, remedy: 'check the network and the package index (`pip config list`), then run the same command again',
      });
    },
  };
}

/**
 * An environment's packages are lost to a system Python that has moved on to another minor version.
 * @param {string} folder
 */
function environmentWorks(folder) {
  const interpreter = path.join(folder, 'bin', 'python');
  if (!fs.existsSync(interpreter)) return false;
  const name = path.basename(fs.realpathSync(interpreter));
  return !/^python3\.\d+$/.test(name) || fs.existsSync(path.join(folder, 'lib', name, 'site-packages'));
}

/** @returns {import('./steps.mjs').Impossible | null} */
function whyNoPython() {
  const { stdout, status } = spawnSync(python(), ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'], { encoding: 'utf8' });
  const remedy = `install Python ${MIN_PYTHON.join('.')} or newer, or name one: PYTHON=/path/to/python3 npm run doctor`;
  if (status !== 0) return { reason: `${python()} does not run`, remedy };
  return atLeast(stdout.trim(), MIN_PYTHON) ? null : { reason: `${python()} is ${stdout.trim()}, too old`, remedy };
}

/** @returns {Step} */
function notebookKernel() {
  const install = path.join(here, 'kernel', 'install.mjs');
  return {
    id: 'kernel',
    label: 'TypeScript kernel for notebooks',
    after: ['python'],
    inputs: [install],
    state: () => process.execPath, // named in the kernel's specification
    done: () => fs.existsSync(path.join(venv, 'share', 'jupyter', 'kernels', 'sidecar-workbench', 'kernel.json')),
    run: async () => { (await import(pathToFileURL(install).href)).installKernel(); },
  };
}

/** @returns {Step} */
function instructionCounter() {
  const folder = path.join(here, 'valgrind-tool');
  const valgrind = '/usr/bin/valgrind';
  return {
    id: 'valgrind-tool',
    label: 'Valgrind tools that count and trace instructions',
    inputs: fs.readdirSync(folder).sort().map((name) => path.join(folder, name)),
    // It holds a copy of Valgrind's core, which must be of the release that starts it.
    state: () => `${valgrindTools} ${fs.statSync(valgrind, { throwIfNoEntry: false })?.mtimeMs}`,
    done: () => ['regions', 'trace'].every((tool) => fs.existsSync(path.join(valgrindTools, `${tool}-amd64-linux`))),
    impossible: () => {
      const lacking = ['gcc', 'make', 'valgrind'].filter((name) => !onPath(name));
      return lacking.length === 0 ? null : {
        reason: `${lacking.join(', ')} not installed, so user instructions can be neither counted by component nor traced under Valgrind`,
        remedy: `install the package${lacking.length > 1 ? 's' : ''} ${lacking.join(', ')}`,
      };
    },
    run: async (log) => {
      fs.rmSync(valgrindTools, { recursive: true, force: true });
      const remedy = 'install valgrind with its headers and static libraries (Debian: valgrind, Fedora: valgrind-devel) and libc6-dev';
      await execute(['make', '-s', '-C', folder, `OUT=${valgrindTools}`], { log, remedy });
    },
  };
}

/** @returns {Step} */
function sqlModule() {
  const folder = path.join(here, 'sql-module');
  const crates = ['decoder', 'filter'];
  const sources = crates.flatMap((crate) => fs.readdirSync(path.join(folder, crate, 'src')).map((name) => path.join(folder, crate, 'src', name)));
  return {
    id: 'sql-module',
    label: 'MySQL filter for Envoy',
    expect: 'about 2 min, 150 MB',
    inputs: [path.join(folder, 'Cargo.lock'), path.join(folder, 'Cargo.toml'), ...crates.map((crate) => path.join(folder, crate, 'Cargo.toml')), ...sources.sort()],
    done: () => fs.existsSync(path.join(sqlModules, 'libmysql_filter.so')),
    impossible: () => onPath('cargo') ? null : {
      reason: 'cargo not installed, so the SQL policy only runs in an Envoy that has mysql_proxy',
      remedy: rustRemedy,
    },
    run: async (log) => {
      const target = path.join(sqlModules, 'target');
      await execute(['cargo', 'build', '--quiet', '--release', '--locked', '-p', 'filter', '--manifest-path', path.join(folder, 'Cargo.toml'), '--target-dir', target], { log, remedy: `check the network; ${rustRemedy}` });
      // Renamed into place: a sidecar that has the former one loaded keeps it. What was built stays for tests and benchmarks.
      fs.copyFileSync(path.join(target, 'release', 'libmysql_filter.so'), path.join(sqlModules, 'fresh'));
      fs.renameSync(path.join(sqlModules, 'fresh'), path.join(sqlModules, 'libmysql_filter.so'));
    },
  };
}

/** The SQL parser needs a compiler that Debian 12 does not have yet. */
const rustRemedy = 'install Rust 1.82 or newer (https://rustup.rs; Debian 13: the package cargo), then run the same command again';

/** @param {string[]} args */
async function main(args) {
  const at = args.indexOf('--profile');
  const profile = at >= 0 ? args[at + 1] : 'full';
  if (!['figures', 'full', 'test'].includes(profile)) throw new StepFailed(`no profile "${profile}"`, 'choose figures, full or test');
  const impossible = measuringImpossible(os.platform(), os.arch());
  if (impossible && profile !== 'figures') console.log(`set-up: ${impossible}`);
  const { ran, notes } = await setUp({ profile: /** @type {Profile} */ (profile), system: !args.includes('--no-system') });
  if (ran.length === 0 && notes.length === 0) console.log('set-up: nothing is missing');
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error) => {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`set-up: ${error.message}; ${error.remedy}`);
    process.exitCode = 1;
  });
}
