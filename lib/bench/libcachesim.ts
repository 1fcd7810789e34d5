/** libCacheSim on records of ours: what another simulator counts, and how long it takes. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectPath, workbenchPath } from '../host/paths.js';
import { run } from '../host/process.js';
import type { Transitions } from '../simulate/transitions.js';

export const libCacheSim = 'libcachesim==0.3.5';

export interface Answer {
  ways: number;
  misses: number;
  seconds: number;
}

/**
 * Installs it in an environment of its own, which stays for the next time, and writes the records of each set to a file.
 * @param sets of the cache or TLB: libCacheSim simulates each as an LRU of its own.
 * @param folder for the files.
 */
export async function libCacheSimOn(transitions: Transitions, sets: number, folder: string): Promise<{ simulate(ways: number[]): Promise<Answer[]> }> {
  const environment = workbenchPath('bench-venv');
  const python = path.join(environment, 'bin', 'python');
  if (!fs.existsSync(python)) await run(['python3', '-m', 'venv', environment]);
  await run([python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', libCacheSim]);
  const files = writeOracleGeneral(transitions, sets, folder);
  return {
    simulate: async (each) => {
      // Isolated: the script's own folder would hide the package of the same name.
      const { stdout } = await run([python, '-I', projectPath('lib/bench/libcachesim.py'), ...files, '--', ...each.map(String)]);
      return stdout.trim().split('\n').map((line) => JSON.parse(line) as Answer);
    },
  };
}

/**
 * One file a set. A record is time u32, object u64, size u32, next access i64, little-endian, packed
 * (libCacheSim, traceReader/customizedReader/oracle/oracleGeneralBin.h).
 */
function writeOracleGeneral({ units, chunks }: Transitions, sets: number, folder: string): string[] {
  const recordBytes = 24;
  return Array.from({ length: sets }, (_, set) => {
    const ids = chunks.flatMap((chunk) => Array.from(chunk.ids).filter((id) => units.numbers[id] % sets === set));
    const buffer = Buffer.alloc(ids.length * recordBytes);
    ids.forEach((id, i) => {
      buffer.writeUInt32LE(i, i * recordBytes);
      buffer.writeBigUInt64LE(BigInt(units.numbers[id]), i * recordBytes + 4);
      buffer.writeUInt32LE(1, i * recordBytes + 12);
      buffer.writeBigInt64LE(-1n, i * recordBytes + 16);
    });
    const file = path.join(folder, `set-${set}.oracleGeneral`);
    fs.writeFileSync(file, buffer);
    return file;
  });
}
