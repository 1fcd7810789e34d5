/**
 * Raw runs on disk: `data/<recording>/<experiment>/<run-key>/<repeat>/` (design, section 4).
 *
 * A run is written below a temporary name and renamed when it is whole, so what a killed run leaves is never read
 * as data. Committed recordings are read-only; measuring writes below `data/local/<machine>/` only.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Machine } from '../host/machine.js';
import { projectPath } from '../host/paths.js';
import { explainDiskFull } from './disk-full.js';
import { runFiles } from './files.js';
import { runKey, type RunSpec } from './run-key.js';
import { draftPath, removeDrafts } from './draft.js';

/** Why a run is kept but not plotted as if good. */
export interface Warning {
  code: 'errors' | 'rate-limited' | 'generator-limit' | 'backend-limit' | 'rate-missed' | 'incomplete-stacks' | 'no-worker-core' | 'other-load';
  text: string;
}

/** `run.json`: what was asked, where it came from, how it went. */
export interface RunRecord {
  format: 1;
  key: string;
  experiment: string;
  policy: { id: string; label: string; frame: string };
  /** 0-based. */
  repeat: number;
  spec: Omit<RunSpec, 'envoyYaml'>;
  provenance: {
    machine: Machine;
    envoyVersion: string;
    projectVersion: string;
    tools: Record<string, string>;
    /** Command lines, paths below the project's root made relative. */
    commands: string[];
    /** Core clock in Hz before and after the run, where it was measured. */
    coreClockHz?: number[];
    /** Taken in from files that were recorded by hand elsewhere, rather than measured by the workbench. */
    imported?: { files: string[]; note?: string };
  };
  /** ISO 8601, UTC. */
  startedAt: string;
  endedAt: string;
  warnings: Warning[];
}

/** A run as read back. */
export interface Run extends RunRecord {
  /** Absolute folder with the raw files. */
  dir: string;
  /** `live`, or the recording's name. */
  origin: string;
  /** The folder relative to data/, which figures and verdicts print. */
  id: string;
}

/** One machine and one campaign. */
export interface Recording {
  name: string;
  dir: string;
  /** `live` for this clone's own runs on this machine, else the name. */
  origin: string;
}

export class RunStore {
  /**
   * @param liveName folder name for this machine's own runs below `data/local/`; null to only read.
   * @param root the data folder; the project's `data/` by default.
   */
  constructor(readonly liveName: string | null, readonly root: string = projectPath('data')) {}

  /** The recording this machine writes to. @throws Error for a store opened read-only. */
  live(): Recording {
    if (!this.liveName) throw new Error('this store was opened for reading recorded data only');
    return { name: `local/${this.liveName}`, dir: path.join(this.root, 'local', this.liveName), origin: 'live' };
  }

  /** Live first, then committed recordings by name. A store opened read-only sees committed ones only. */
  recordings(): Recording[] {
    const committed = folders(this.root).filter((name) => name !== 'local')
      .map((name) => ({ name, dir: path.join(this.root, name), origin: name }));
    if (!this.liveName) return committed;
    const live = this.live();
    return fs.existsSync(live.dir) ? [live, ...committed] : committed;
  }

  /** All whole runs of one experiment in a recording, by policy, key and repeat. */
  runs(recording: Recording, experiment: string): Run[] {
    return folders(path.join(recording.dir, experiment)).flatMap((folder) => this.repeats(recording, experiment, folder))
      .sort((a, b) => a.policy.id.localeCompare(b.policy.id) || a.key.localeCompare(b.key));
  }

  /** Repeats of one specification already measured live. Reads nothing else: a plan asks for each of its runs. */
  measured(experiment: string, spec: RunSpec): Run[] {
    const key = runKey(spec);
    return this.repeats(this.live(), experiment, folderOf(key)).filter((run) => run.key === key);
  }

  private repeats(recording: Recording, experiment: string, folder: string): Run[] {
    const base = path.join(recording.dir, experiment, folder);
    return folders(base).map((repeat): Run => {
      const dir = path.join(base, repeat);
      return { ...readRecord(dir), dir, origin: recording.origin, id: path.relative(this.root, dir) };
    }).sort((a, b) => a.repeat - b.repeat);
  }

  /**
   * Measures one run: `body` writes raw files into a temporary folder, which becomes the run when it succeeds.
   * @param about what run.json says besides what `body` returns.
   * @returns the run as read back.
   * @throws whatever `body` throws, after removing everything it wrote.
   */
  async record(
    experiment: string,
    spec: RunSpec,
    about: Pick<RunRecord, 'policy' | 'repeat'>,
    body: (dir: string) => Promise<Pick<RunRecord, 'provenance' | 'warnings'>>,
  ): Promise<Run> {
    const recording = this.live();
    const key = runKey(spec);
    const final = path.join(recording.dir, experiment, folderOf(key), String(about.repeat));
    const temporary = draftPath(recording.dir, `${key.slice(0, 8)}-${about.repeat}`);
    const startedAt = new Date().toISOString();
    const remove = () => fs.rmSync(temporary, { recursive: true, force: true });
    process.once('exit', remove); // Ctrl-C ends us here and now
    try {
      fs.mkdirSync(temporary, { recursive: true });
      writeConfiguration(temporary, spec);
      const result = await body(temporary);
      const { envoyYaml: _kept, ...rest } = spec;
      const record: RunRecord = {
        format: 1, key, experiment, ...about, spec: rest, ...result, startedAt, endedAt: new Date().toISOString(),
      };
      fs.writeFileSync(path.join(temporary, 'run.json'), `${JSON.stringify(record, null, 1)}\n`);
      fs.mkdirSync(path.dirname(final), { recursive: true });
      fs.renameSync(temporary, final);
      return { ...record, dir: final, origin: recording.origin, id: path.relative(this.root, final) };
    } catch (error) {
      remove();
      throw explainDiskFull(error, recording.dir);
    } finally {
      process.removeListener('exit', remove);
    }
  }

  /** Removes what processes that are gone had not finished writing. @returns how many files or folders. */
  removeLeftovers(): number {
    return removeDrafts(this.live().dir);
  }
}

/** An application's is compressed: it would take more room than what was measured. */
function writeConfiguration(dir: string, { envoyYaml, application }: RunSpec): void {
  if (application) fs.writeFileSync(path.join(dir, `${runFiles.envoyConfig}.gz`), gzipSync(envoyYaml));
  else fs.writeFileSync(path.join(dir, runFiles.envoyConfig), envoyYaml);
}

/** A run's folder within its experiment; its repeats are below. */
function folderOf(key: string): string {
  return key.slice(0, 16);
}

/** Names of the folders in one; none where it does not exist. */
function folders(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  return fs.readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name).sort();
}

function readRecord(dir: string): RunRecord {
  const file = path.join(dir, 'run.json');
  let record: RunRecord;
  try {
    record = JSON.parse(fs.readFileSync(file, 'utf8')) as RunRecord;
  } catch (error) {
    throw new Error(`${file} cannot be read as a run (${(error as Error).message}); remove that folder to measure it again`);
  }
  if (record?.format !== 1) throw new Error(`${file} has format ${record?.format}, this version reads 1; update the workbench, or remove that folder if it is no run`);
  return record;
}
