/**
 * A real database behind the sidecar: a MariaDB of our own. Its data, socket and port are this run's alone; no service of
 * the system is touched. It holds one table `users` of 20 made-up rows, which the one user, without a password and from
 * this machine only, may read.
 */
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Availability } from '../host/availability.js';
import { planCpus, type CpuPlan } from '../host/cpus.js';
import { findProgram } from '../host/find-program.js';
import { run, start, type Daemon } from '../host/process.js';
import { rowsInUsers, sqlAccount } from '../load/sql.js';
import { makeRunFolder, removeRunFolder } from './run-folder.js';
import type { Address, Backend } from './types.js';

const startTimeoutMs = 30_000;
/** A port that the kernel gave us may be taken by another before the server has it. */
const tries = 3;
/** Creates the server's own tables; called either way, by release. */
const systemTablesFiles = ['mysql', 'mariadb'].flatMap((folder) => ['mysql', 'mariadb'].map((name) => `/usr/share/${folder}/${name}_system_tables.sql`));

/** Small: what is measured is the sidecar before it. */
const sizes = ['--innodb-buffer-pool-size=16M', '--innodb-log-file-size=4M', '--key-buffer-size=1M', '--performance-schema=OFF'];
/** No option file of this machine is read, and no other file of it through SQL. */
const alone = ['--skip-symbolic-links', '--skip-log-bin', '--skip-name-resolve', '--skip-ssl', '--local-infile=OFF'];

/** Whether a MariaDB server is installed. */
export async function mariadbAvailability(): Promise<Availability> {
  const server = findProgram('mariadbd');
  if (server && systemTables()) return { available: true, version: await versionOf(server) };
  const reason = server ? `${server} has no ${systemTablesFiles[0]} beside it` : 'mariadbd is not installed';
  return { available: false, reason, remedy: 'install the package mariadb-server-core (as root, `npm run doctor` does)' };
}

/**
 * Starts a server on a loopback port of the kernel's choice; its data is gone when it stops.
 * @throws Error when there is no MariaDB, or with its last words when it does not come up.
 */
export async function startMariadb(options: { cpus?: CpuPlan } = {}): Promise<Backend> {
  const there = await mariadbAvailability();
  if (!there.available) throw new Error(`${there.reason}; ${there.remedy}`);
  const server = findProgram('mariadbd')!;
  const { others } = options.cpus ?? planCpus();
  const folder = makeRunFolder('mariadb');
  try {
    await makeDatabase(folder, server);
    const { daemon, address } = await untilStarted(server, folder, others);
    const stop = async () => {
      await daemon.stop();
      removeRunFolder(folder);
    };
    const ending = async () => {
      const how = await daemon.ending();
      return how && `${how}, last words: ${lastWords(daemon)}`;
    };
    return { name: 'mariadb', version: there.version, standInReason: null, pid: daemon.pid, address, alive: daemon.alive, ending, stop };
  } catch (error) {
    removeRunFolder(folder);
    throw error;
  }
}

/** The server's own tables, empty but for what our statements add at its start: nobody else has an account. */
async function makeDatabase(folder: string, server: string): Promise<void> {
  const data = path.join(folder, 'data');
  fs.mkdirSync(data);
  const tables = fs.readFileSync(systemTables()!, 'utf8');
  const input = `CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n${tables}`;
  await run([server, '--no-defaults', '--bootstrap', `--datadir=${data}`, ...asUser(), ...alone, ...sizes], { input, timeoutMs: startTimeoutMs });
  fs.writeFileSync(path.join(folder, 'init.sql'), `${statements().join(';\n')};\n`);
}

/** One a line: older servers read the file so. Every row is about 100 bytes, as the echo's answers are. */
function statements(): string[] {
  const values = Array.from({ length: rowsInUsers }, (_, i) => `(${i + 1}, 'user${i + 1}', 'user${i + 1}@example.org', '${'x'.repeat(64)}')`);
  return [
    `CREATE DATABASE ${sqlAccount}`,
    `CREATE TABLE ${sqlAccount}.users (id INT PRIMARY KEY, name VARCHAR(32) NOT NULL, email VARCHAR(64) NOT NULL, about VARCHAR(64) NOT NULL)`,
    `INSERT INTO ${sqlAccount}.users VALUES ${values.join(', ')}`,
    `CREATE USER '${sqlAccount}'@'127.0.0.1'`,
    `GRANT SELECT ON ${sqlAccount}.* TO '${sqlAccount}'@'127.0.0.1'`,
  ];
}

async function untilStarted(server: string, folder: string, cpus: number[]): Promise<{ daemon: Daemon; address: Address }> {
  for (let left = tries; ; left--) {
    const address = { host: '127.0.0.1', port: await freePort() };
    const daemon = await start([server, ...serverOptions(folder, address)], { name: 'mariadb', cpus, logFile: path.join(folder, 'mariadb.log') });
    const ready = await untilListening(daemon).then(() => null, (error: Error) => error);
    if (ready === null) return { daemon, address };
    await daemon.stop();
    if (left === 1 || !/Address already in use/.test(ready.message)) throw ready;
  }
}

function serverOptions(folder: string, { host, port }: Address): string[] {
  // The socket's name is relative to the data: the whole path may be longer than a socket's may be.
  return ['--no-defaults', `--datadir=${path.join(folder, 'data')}`, ...asUser(), `--bind-address=${host}`, `--port=${port}`,
    '--socket=socket', '--pid-file=pid', `--init-file=${path.join(folder, 'init.sql')}`, `--tmpdir=${folder}`, `--secure-file-priv=${path.join(folder, 'data')}`, ...alone, ...sizes];
}

/** Root has to say that it means it. */
function asUser(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

async function untilListening(daemon: Daemon): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline && daemon.alive()) {
    if (/ready for connections/.test(daemon.output())) return;
    await sleep(20);
  }
  throw new Error(`MariaDB ${daemon.alive() ? `was not ready within ${startTimeoutMs / 1000} s` : 'exited at start'}: ${lastWords(daemon)}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject);
    probe.listen({ host: '127.0.0.1', port: 0 }, () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

function systemTables(): string | undefined {
  return systemTablesFiles.find((file) => fs.existsSync(file));
}

/** e.g. `10.11.14`. */
async function versionOf(program: string): Promise<string> {
  const { stdout } = await run([program, '--no-defaults', '--version'], { allow: 'any' });
  return /Ver (\d+(?:\.\d+)+)/.exec(stdout)?.[1] ?? 'unknown';
}

/** The last error it logged; where there is none, its last line. */
function lastWords(daemon: Daemon): string {
  const lines = daemon.output().trim().split('\n');
  return lines.filter((line) => line.includes('[ERROR]')).map((line) => line.replace(/^.*\[ERROR\] /, ''))[0] ?? lines.slice(-1)[0] ?? 'it said nothing';
}
