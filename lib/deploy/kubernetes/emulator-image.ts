/**
 * The image that plays any service of call graphs: Node with the emulator, and the stores that the graphs have. Written as
 * a file without a Docker engine; a cluster gets it from a registry, or imports the file on its nodes.
 */
import * as path from 'node:path';
import { isStore, type CallGraph, type StoreKind } from '../../apps/call-graph.js';
import { emulatorBundle, emulatorDigest } from '../../apps/emulator-bundle.js';
import type { Program } from '../../apps/programs.js';
import { storeCommand } from '../../apps/stores.js';
import type { ImageSpec } from '../cluster/oci-image.js';

/** Where a program of this machine is in the image. */
const folder = '/usr/local/bin';
/** Any address will do for asking which program a store is. */
const nowhere = { host: '127.0.0.1', port: 0 };

/**
 * @param registry where it is to be found, e.g. `registry.example.org/team`.
 * @throws Error when a store's server is not on this machine: what to do.
 */
export async function emulatorImage(graphs: readonly CallGraph[], registry: string): Promise<ImageSpec> {
  const kinds = storesOf(graphs);
  const stores = await Promise.all(kinds.map((kind) => storeCommand(kind, nowhere)));
  const files = [process.execPath, await emulatorBundle(), ...stores.map(([server]) => server)];
  return {
    name: `${registry}/emulator:${[emulatorDigest(), ...kinds].join('-')}`,
    entrypoint: [inImage(process.execPath)],
    files: Object.fromEntries(files.map((file) => [inImage(file), file])),
    texts: { '/etc/passwd': 'root:x:0:0::/:/none\n', '/etc/group': 'root:x:0:\n' },
  };
}

function storesOf(graphs: readonly CallGraph[]): StoreKind[] {
  return [...new Set(graphs.flatMap(({ services }) => services).filter(isStore).map(({ protocol }) => protocol))].sort();
}

/** A program as the image has it: what is a path on this machine is one in there. */
export function programInImage(program: Program): Program {
  return { ...program, argv: program.argv.map((word) => (path.isAbsolute(word) ? inImage(word) : word)) };
}

function inImage(file: string): string {
  return path.posix.join(folder, path.basename(file));
}
