/** The server behind the sidecar: the paper's socketify echo, or a Node stand-in where its native library cannot load. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { planCpus, type CpuPlan } from '../host/cpus.js';
import { projectPath, venvPath } from '../host/paths.js';
import { run, start, type Daemon } from '../host/process.js';
import { makeRunFolder, removeRunFolder } from './run-folder.js';
import type { Backend } from './types.js';

export type EchoName = 'socketify' | 'node';
/** Every server that stands behind a sidecar here. */
export type BackendName = EchoName | 'mariadb';

export interface EchoOptions {
  cpus?: CpuPlan;
  /** `node` takes the stand-in even where socketify works. */
  prefer?: EchoName;
}

const startTimeoutMs = 15_000;

/**
 * Starts an echo server on a loopback port of the kernel's choice: `/N` answers N bytes, `/` 100, `/headers` the
 * request's headers as JSON.
 * @throws Error with the server's last words when it does not come up.
 */
export async function startEcho(options: EchoOptions = {}): Promise<Backend> {
  const standInReason = options.prefer === 'node' ? 'asked for' : await whyNoSocketify();
  const argv = standInReason === null
    ? [venvPath('bin', 'python'), projectPath('environment', 'echo', 'echo.py')]
    : [process.execPath, projectPath('environment', 'echo', 'echo.mjs')];
  const folder = makeRunFolder('echo');
  let daemon: Daemon | undefined;
  const stop = async () => {
    await daemon?.stop();
    removeRunFolder(folder);
  };
  try {
    const { others } = options.cpus ?? planCpus();
    const server = await start(argv, { name: 'echo', cpus: others, logFile: path.join(folder, 'echo.log') });
    daemon = server;
    const { name, version, port } = await untilListening(server);
    const ending = async () => {
      const how = await server.ending();
      return how && `${how}, last words: ${lastWords(server)}`;
    };
    return { name, version, standInReason, pid: server.pid, address: { host: '127.0.0.1', port }, alive: server.alive, ending, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** null where socketify's native library loads; it needs libuv and zlib from the system. */
export async function whyNoSocketify(): Promise<string | null> {
  const python = venvPath('bin', 'python');
  if (!fs.existsSync(python)) return 'there is no Python environment; `npm run doctor` makes it';
  const { exitCode, stderr } = await run([python, '-c', 'import socketify'], { allow: 'any', timeoutMs: startTimeoutMs });
  return exitCode === 0 ? null : `socketify does not load: ${stderr.trim().split('\n').pop() || `exit code ${exitCode}`}`;
}

interface Report {
  name: string;
  version: string;
  port: number;
}

/** Waits for the line in which the server says where it listens. */
async function untilListening(daemon: Daemon): Promise<Report> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    const line = /^\{.*\}$/m.exec(daemon.output());
    if (line) return JSON.parse(line[0]) as Report;
    if (!daemon.alive()) break;
    await sleep(20);
  }
  throw new Error(`the echo server ${daemon.alive() ? `did not listen within ${startTimeoutMs / 1000} s` : 'exited at start'}: ${lastWords(daemon)}`);
}

function lastWords(daemon: Daemon): string {
  return daemon.output().trim().split('\n').pop() || 'it said nothing';
}
