import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasBinary, loadBinary, saveBinary, type BinaryFacts } from '../../../lib/store/binaries.js';
import { removeDrafts } from '../../../lib/store/draft.js';

const facts: BinaryFacts = { buildId: 'ab', envoyVersion: '1.40.0', anchors: [], outcomes: [] };
let dir: string;
beforeEach(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'binaries-')); });
afterEach(() => fs.rmSync(dir, { recursive: true }));

describe('facts of a measured binary', () => {
  it('come back as they were saved, and leave nothing half-written beside them', () => {
    saveBinary({ dir }, facts);
    expect(hasBinary({ dir }, 'ab')).toBe(true);
    expect(loadBinary({ dir }, 'ab')).toEqual(facts);
    expect(fs.readdirSync(dir, { recursive: true }).sort()).toEqual(['binaries', path.join('binaries', 'ab.json.gz')]);
  });

  it.each([
    ['cut off', zlib.gzipSync(JSON.stringify(facts)).subarray(0, 20)],
    ['empty', Buffer.alloc(0)],
    ['foreign', zlib.gzipSync('{"anchors":"none"}')],
    ['no object', zlib.gzipSync('null')],
  ])('that are %s are refused, naming the file and what to do', (_, bytes) => {
    saveBinary({ dir }, facts);
    fs.writeFileSync(path.join(dir, 'binaries', 'ab.json.gz'), bytes);
    expect(() => loadBinary({ dir }, 'ab')).toThrow(/binaries\/ab\.json\.gz cannot be read \(.+\); .*measure again/);
  });

  it('that a killed process was writing are removed by the next start', () => {
    fs.writeFileSync(path.join(dir, '.writing-999999-1-ab.json.gz'), 'half');
    expect(removeDrafts(dir)).toBe(1);
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});
