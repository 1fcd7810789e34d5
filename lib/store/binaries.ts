/** The anchors of a measured binary, kept in the recording so that its runs can be analysed without the binary. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import type { Anchor, RuleOutcome } from '../analysis/anchors.js';
import { explainDiskFull } from './disk-full.js';
import { draftPath } from './draft.js';
import type { Recording } from './run-store.js';

export interface BinaryFacts {
  buildId: string;
  envoyVersion: string;
  /** Sorted by address. */
  anchors: Anchor[];
  /** What became of every wanted anchor in this release. */
  outcomes: RuleOutcome[];
}

export function hasBinary(recording: Pick<Recording, 'dir'>, buildId: string): boolean {
  return fs.existsSync(binaryFile(recording, buildId));
}

/** Writes the facts of a binary once per recording, whole or not at all. @throws Error when the disk is full. */
export function saveBinary(recording: Pick<Recording, 'dir'>, facts: BinaryFacts): void {
  const file = binaryFile(recording, facts.buildId);
  const temporary = draftPath(recording.dir, `${facts.buildId}.json.gz`);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(temporary, zlib.gzipSync(JSON.stringify(facts), { level: 9 }));
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw explainDiskFull(error, recording.dir);
  }
}

/** @throws Error naming the file when the recording does not have it, or it is damaged. */
export function loadBinary(recording: Pick<Recording, 'dir'>, buildId: string): BinaryFacts {
  const file = binaryFile(recording, buildId);
  try {
    const facts = JSON.parse(zlib.gunzipSync(fs.readFileSync(file)).toString()) as BinaryFacts | null;
    if (!facts || !Array.isArray(facts.anchors) || !Array.isArray(facts.outcomes)) throw new Error('it holds no anchors');
    return facts;
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as Error).message}); without it the runs of that Envoy build cannot be attributed: remove it and measure again`);
  }
}

function binaryFile(recording: Pick<Recording, 'dir'>, buildId: string): string {
  return path.join(recording.dir, 'binaries', `${buildId}.json.gz`);
}
