/**
 * Turns this machine's own runs into a recording that can be committed or sent, and takes one in.
 *
 * What is left out is only what no analysis reads: the reductions stand beside the raw files already when a run is
 * recorded (design, section 4). `data/README.md` describes them file by file.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { run as runCommand } from '../host/process.js';
import { droppedByPack } from './files.js';
import { RunStore, type Recording } from './run-store.js';

export interface Packed {
  name: string;
  dir: string;
  files: number;
  bytes: number;
}

/**
 * Copies a recording's whole runs, without the raw files that pack drops, to `<root>/<name>`.
 * @param name folder name, `<cpu>-<date>`.
 * @throws Error when the name is taken, there is nothing to pack, or a file would tell who or where this machine is.
 */
export function pack(store: RunStore, name: string): Packed {
  const source = store.live();
  const target = path.join(store.root, name);
  if (fs.existsSync(target)) throw new Error(`data/${name} exists already; recordings are never changed: choose another name`);
  const files = listFiles(source.dir).filter((file) => !droppedByPack(path.basename(file)));
  if (!files.some((file) => path.basename(file) === 'run.json')) throw new Error(`nothing measured on this machine yet (${source.name} holds no run); measure first, e.g. \`npm run reproduce\``);
  const temporary = `${target}.writing-${process.pid}`;
  try {
    for (const file of files) {
      const to = path.join(temporary, file);
      fs.mkdirSync(path.dirname(to), { recursive: true });
      fs.copyFileSync(path.join(source.dir, file), to);
    }
    refuseTraces(temporary);
    fs.renameSync(temporary, target);
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
  return { name, dir: target, files: files.length, bytes: size(target) };
}

/** Writes a recording as `<file>` (tar, gzip), for sending. */
export async function archive(recording: Pick<Recording, 'dir'>, file: string): Promise<void> {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  await runCommand(['tar', '--owner=0', '--group=0', '--numeric-owner', '--sort=name', '-czf', file, '-C', path.dirname(recording.dir), path.basename(recording.dir)]);
}

/**
 * Takes in an archive made by `archive`: checks that every run in it can be read, then places it below the store's root.
 * @returns the recording's name.
 * @throws Error naming the file when it is not a recording, is damaged, or its name is taken.
 */
export async function importArchive(file: string, store: RunStore): Promise<string> {
  if (!fs.existsSync(file)) throw new Error(`${file} does not exist; give the archive that \`npm run pack\` wrote`);
  const listing = await runCommand(['tar', '-tzf', file], { allow: 'any' });
  if (listing.exitCode !== 0) throw new Error(`${file} is not a readable tar.gz archive (${listing.stderr.trim().split('\n')[0]})`);
  const names = listing.stdout.split('\n').filter(Boolean);
  const bad = names.find((name) => name.startsWith('/') || name.split('/').includes('..'));
  if (bad) throw new Error(`${file} holds the path "${bad}", which leaves its folder; it was not unpacked`);
  const roots = [...new Set(names.map((name) => name.split('/')[0]))];
  if (roots.length !== 1 || roots[0] === 'local') throw new Error(`${file} should hold one recording folder, found: ${roots.slice(0, 3).join(', ') || 'nothing'}`);
  const target = path.join(store.root, roots[0]);
  if (fs.existsSync(target)) throw new Error(`data/${roots[0]} exists already; rename or remove it before importing`);
  const temporary = fs.mkdtempSync(path.join(store.root, '.importing-'));
  try {
    await runCommand(['tar', '-xzf', file, '-C', temporary, '--no-same-owner']);
    const taken = new RunStore(null, temporary);
    const recording = taken.recordings().find((entry) => entry.name === roots[0]);
    const runs = recording ? experiments(recording).flatMap((experiment) => taken.runs(recording, experiment)) : [];
    if (runs.length === 0) throw new Error(`${file} holds no run; it is not a recording`);
    fs.renameSync(path.join(temporary, roots[0]), target);
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
  return roots[0];
}

/** Names of the experiments a recording holds runs of. */
export function experiments(recording: Pick<Recording, 'dir'>): string[] {
  return fs.readdirSync(recording.dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'binaries')
    .map((entry) => entry.name);
}

/**
 * Traces of a person or place that must not leave this machine with a recording: its host name, the user's home, the clone's path.
 * @returns `file: what` for every hit in uncompressed text files.
 */
export function tracesOfHome(dir: string): string[] {
  const secrets = [os.hostname(), os.homedir(), process.cwd(), `${os.tmpdir()}/`, os.userInfo().username]
    .filter((word) => word.length > 3 && !['localhost', 'root'].includes(word) && word !== '/root' && word !== '/');
  return listFiles(dir).filter((file) => !file.endsWith('.gz')).flatMap((file) => {
    const text = fs.readFileSync(path.join(dir, file), 'latin1');
    return secrets.filter((secret) => text.includes(secret)).map((secret) => `${file}: ${secret}`);
  });
}

function refuseTraces(dir: string): void {
  const traces = tracesOfHome(dir);
  if (traces.length > 0) throw new Error(`the recording would tell where it was made (${traces[0]}${traces.length > 1 ? ` and ${traces.length - 1} more` : ''}); nothing was packed: please report this`);
}

function listFiles(dir: string, below = ''): string[] {
  if (!fs.existsSync(path.join(dir, below))) return [];
  return fs.readdirSync(path.join(dir, below), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(below, entry.name);
    if (entry.name.startsWith('.writing-')) return [];
    return entry.isDirectory() ? listFiles(dir, name) : [name];
  });
}

function size(dir: string): number {
  return listFiles(dir).reduce((sum, file) => sum + fs.statSync(path.join(dir, file)).size, 0);
}
