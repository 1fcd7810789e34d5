/**
 * The real stores behind an application: Debian's Redis and memcached, as private instances. Each has the address it is
 * given, keeps everything in memory and reads no configuration of the system, whose own service is not touched.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Address } from '../deploy/types.js';
import type { Availability } from '../host/availability.js';
import { findProgram } from '../host/find-program.js';
import { workbenchPath } from '../host/paths.js';
import { run } from '../host/process.js';
import type { StoreKind } from './call-graph.js';

const memoryMb = 64;
const remedy = {
  redis: 'install the package redis-tools (as root, `npm run doctor` does)',
  memcached: 'run `npm run doctor` as root, which unpacks the package memcached for the workbench alone',
};

/** Whether the store's server is on this machine. */
export async function storeAvailability(kind: StoreKind): Promise<Availability> {
  const server = serverOf(kind);
  if (!server) return { available: false, reason: `${kind === 'redis' ? 'redis-server' : kind} is not installed`, remedy: remedy[kind] };
  const { stdout, stderr, exitCode } = await run([server, '--version'], { allow: 'any' });
  const version = /(?:v=|memcached )(\d+(?:\.\d+)+)/.exec(stdout)?.[1];
  if (version) return { available: true, version };
  const said = (stderr.trim() || stdout.trim()).split('\n')[0];
  return { available: false, reason: `${server} does not start: ${said || `it exited with ${exitCode}`}`, remedy: remedy[kind] };
}

/**
 * Command line of a store that listens at an address.
 * @throws Error when its server is not installed: what to do.
 */
export async function storeCommand(kind: StoreKind, { host, port }: Address): Promise<string[]> {
  const there = await storeAvailability(kind);
  if (!there.available) throw new Error(`${there.reason}; ${there.remedy}`);
  const server = serverOf(kind)!;
  if (kind === 'memcached') return [server, ...asUser(), `--listen=${host}`, `--port=${port}`, '--udp-port=0', `--memory-limit=${memoryMb}`, '--threads=1'];
  // Without a file named, Redis reads none. Clients of other pods are let in without a password, as in the applications' manifests.
  return [server, '--bind', host, '--port', String(port), '--protected-mode', 'no', '--save', '', '--appendonly', 'no', '--daemonize', 'no',
    '--maxmemory', `${memoryMb}mb`, '--set-proc-title', 'no'];
}

function serverOf(kind: StoreKind): string | undefined {
  return kind === 'memcached' ? findProgram('memcached') : findProgram('redis-server') ?? redisByName();
}

/**
 * Debian's redis-tools, which sets up no service, has the server under another name: redis-check-rdb is the same program,
 * which goes by the name that it is called with.
 */
function redisByName(): string | undefined {
  const program = findProgram('redis-check-rdb');
  if (!program) return undefined;
  const link = workbenchPath('bin', 'redis-server');
  if (fs.existsSync(link) && fs.realpathSync(link) === fs.realpathSync(program)) return link;
  fs.mkdirSync(path.dirname(link), { recursive: true });
  const fresh = `${link}.${process.pid}`;
  fs.symlinkSync(program, fresh);
  fs.renameSync(fresh, link);
  return link;
}

/** memcached refuses to run as root unless told so. */
function asUser(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}
