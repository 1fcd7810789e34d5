/**
 * Brings up a real Envoy: any binary, any policy or configuration, its one worker alone on a core.
 *
 * The kernel chooses the ports and Envoy reports them, so none can be taken; hot restart is off, so instances share
 * no memory and leave none behind.
 */
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pin, planCpus, type CpuPlan } from '../host/cpus.js';
import { run, start, type Daemon } from '../host/process.js';
import { ensureCertificate } from './certificate.js';
import { isServing, readAdminAddress, readListenerAddress, readStats } from './envoy-admin.js';
import { findEnvoy } from './envoy-binary.js';
import { findWorker, lastError, oneWorker, patience, pollMs, quietly, untilServing } from './envoy-start.js';
import { mysqlModuleAvailability } from './mysql-module.js';
import type { Certificate } from './policies/downstream-tls.js';
import { assertFree } from './ports.js';
import { mysqlModuleFor, normalise, render } from './render.js';
import { makeRunFolder, removeRunFolder } from './run-folder.js';
import type { Address, EnvoyBinary, Sidecar, SidecarConfig } from './types.js';

export { findEnvoy, installEnvoyRelease } from './envoy-binary.js';

export interface SidecarOptions {
  /** The pinned one by default. */
  envoy?: EnvoyBinary;
  /** The backend's address. */
  upstream: Address;
  cpus?: CpuPlan;
  /** Where clients connect; a free loopback port by default. */
  listener?: Address;
  /** Words put before Envoy's command line, e.g. of Valgrind; the program must exec Envoy, not fork it. */
  wrap?: string[];
  readyTimeoutMs?: number;
  /** For policies with TLS; `.workbench/tls/` by default, made when missing. */
  certificate?: Certificate;
  /** Envoy's own messages (standard error); removed at stop when left out. */
  logFile?: string;
  /** Access log of policies that write one; `/dev/null` by default. Envoy fills it every 10 s and at stop. */
  accessLogFile?: string;
}

const anyPort: Address = { host: '127.0.0.1', port: 0 };

/**
 * Starts Envoy and waits until it serves. Where there is an access log, one request has been served already, so
 * count from a first reading of `stats()`, not from zero.
 * @throws Error with Envoy's own last words when it exits or is not ready in time; nothing is left behind then.
 */
export async function startSidecar(config: SidecarConfig, options: SidecarOptions): Promise<Sidecar> {
  const envoy = options.envoy ?? (await findEnvoy());
  const cpus = options.cpus ?? planCpus();
  const listener = options.listener ?? anyPort;
  await assertFree(listener);
  const certificate = options.certificate ?? (await certificateFor(config));
  const mysqlModule = mysqlModuleFor(config);
  if (mysqlModule) assertBuilt();
  const rendered = render(config, { listener, admin: anyPort, upstream: options.upstream, certificate, mysqlModule });
  const folder = makeRunFolder('envoy');
  const files = { config: path.join(folder, 'envoy.yaml'), admin: path.join(folder, 'admin') };
  let daemon: Daemon | undefined;
  const stop = async () => {
    await daemon?.stop(patience(options.wrap).stopMs);
    removeRunFolder(folder);
  };
  try {
    fs.writeFileSync(files.config, rendered.yaml);
    const argv = [envoy.path, '-c', files.config, ...quietly, ...oneWorker, '--admin-address-path', files.admin];
    const envoyProcess = await start([...(options.wrap ?? []), ...argv], {
      name: `envoy-${config.id}`,
      cwd: folderOf(config),
      cpus: cpus.others,
      logFile: options.logFile ?? path.join(folder, 'envoy.log'),
      stdoutFile: options.accessLogFile ?? '/dev/null',
    });
    daemon = envoyProcess;
    const { pid } = envoyProcess;
    const timeoutMs = options.readyTimeoutMs ?? patience(options.wrap).startMs;
    const ready = await untilServing(envoyProcess, () => serves(pid, files.admin, rendered.listener), timeoutMs, 'give it longer with readyTimeoutMs');
    if (/access_?log/.test(rendered.yaml)) await startLogThread(ready, rendered.tls);
    await pin(ready.workerTid, [cpus.worker]);
    return {
      ...ready,
      pid,
      tls: rendered.tls,
      envoy,
      yaml: rendered.yaml,
      normalisedYaml: normalise(rendered.yaml),
      stats: () => readStats(ready.admin),
      alive: envoyProcess.alive,
      ending: async () => {
        const how = await envoyProcess.ending();
        return how && `${how}, last words: ${lastError(envoyProcess.output())}`;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Asks Envoy itself whether a configuration is sound (`--mode validate`).
 * @param cwd where the configuration's relative paths start.
 * @throws Error with Envoy's reason.
 */
export async function validateConfig(envoy: EnvoyBinary, yaml: string, cwd?: string): Promise<void> {
  const folder = makeRunFolder('validate');
  try {
    const file = path.join(folder, 'envoy.yaml');
    fs.writeFileSync(file, yaml);
    const { exitCode, stderr } = await run([envoy.path, '--mode', 'validate', '-c', file, ...quietly], { cwd, allow: 'any' });
    if (exitCode !== 0) throw new Error(`Envoy ${envoy.version} refuses the configuration: ${lastError(stderr)}`);
  } finally {
    removeRunFolder(folder);
  }
}

/** A user's configuration may name files relative to itself. */
function folderOf(config: SidecarConfig): string | undefined {
  return config.frame === 'user' && config.file ? path.dirname(path.resolve(config.file)) : undefined;
}

/** Envoy's own words for a missing module say nothing of how to get it. */
function assertBuilt(): void {
  const module = mysqlModuleAvailability();
  if (!module.available) throw new Error(`${module.reason}; ${module.remedy}`);
}

/** Only policies with TLS need openssl. */
async function certificateFor(config: SidecarConfig): Promise<Certificate> {
  if (config.frame !== 'user' && config.tls) return ensureCertificate();
  return { cert: '', key: '' };
}

interface Serving {
  address: Address;
  admin: Address;
  workerTid: number;
}

/** Whether Envoy is live and its worker accepts, and then where. */
async function serves(pid: number, adminFile: string, listener: string): Promise<Serving | null> {
  const admin = readAdminAddress(adminFile);
  const workerTid = findWorker(pid);
  if (!admin || workerTid === undefined || !(await isServing(admin))) return null;
  return { admin, workerTid, address: await readListenerAddress(admin, listener) };
}

/**
 * Lets the worker write its first access-log line. Envoy starts the thread that flushes logs at that moment, with the
 * worker's cores: were the worker pinned by then, the two would share its core for good.
 */
async function startLogThread({ address, admin }: Serving, tls: boolean): Promise<void> {
  const answer = new Promise<void>((resolve) => {
    const options = { ...address, path: '/', agent: false, rejectUnauthorized: false, timeout: firstLineTimeoutMs };
    const request = (tls ? https : http).get(options, (response) => response.resume().on('close', resolve));
    request.on('timeout', () => request.destroy());
    // What the upstream answers does not matter, nor whether it speaks HTTP: the end of a connection is logged, too.
    request.on('error', () => resolve());
  });
  await answer;
  for (const deadline = Date.now() + firstLineTimeoutMs; Date.now() < deadline; await sleep(pollMs)) {
    if ((await readStats(admin))['filesystem.write_buffered'] > 0) return;
  }
}

/** An upper bound only; Valgrind takes its time over a first request. */
const firstLineTimeoutMs = 5000;
