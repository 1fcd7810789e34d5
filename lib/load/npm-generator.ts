/**
 * Load generator from npm alone: undici over keep-alive connections. A program of its own (run by generators.ts), so
 * that it can be pinned and its CPU time be told apart. Options, schedule and request log are those of generator.c.
 *
 * Node's timers tick in milliseconds, too coarse for a schedule of thousands a second. A second thread sleeps to the
 * microsecond (pacer.cjs) and wakes the event loop when a request is due.
 */
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tls from 'node:tls';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Pool, type Dispatcher } from 'undici';

/** After the last intended request, late answers are awaited for so long. */
const drainMs = 1000;
const retryMs = 100;
/**
 * How long a closed loop over the same connections runs before the clock of a constant rate starts: code that V8 has
 * not compiled yet would be late from the first request on, and catch up in the measured part.
 */
const warmUpMs = 1000;

interface Options {
  host: string;
  port: number;
  path: string;
  log: string;
  tls: boolean;
  /** A connection for every request. */
  close: boolean;
  connections: number;
  /** Requests per second; 0 is a closed loop. */
  rate: number;
  /** Infinity when `requests` is given, and the other way round. */
  durationMs: number;
  requests: number;
  stallMs: number;
}

/** Milliseconds since start; -1: never. */
interface Sent {
  intended: number;
  sent: number;
  done: number;
  status: number;
}

function readOptions(): Options {
  const names = ['host', 'port', 'path', 'log', 'tls', 'close', 'connections', 'rate', 'duration', 'requests', 'stall'] as const;
  const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])) });
  const text = (name: (typeof names)[number], otherwise: string) => (values[name] as string | undefined) ?? otherwise;
  return {
    host: text('host', '127.0.0.1'), port: Number(text('port', '0')), path: text('path', '/'), log: text('log', '/dev/null'),
    tls: text('tls', '0') === '1', close: text('close', '0') === '1', connections: Number(text('connections', '1')), rate: Number(text('rate', '0')),
    durationMs: Number(text('duration', 'Infinity')) * 1000, requests: Number(text('requests', 'Infinity')),
    stallMs: Number(text('stall', '10')) * 1000,
  };
}

function connectSocket(options: Options): Promise<net.Socket> {
  const { host, port } = options;
  return new Promise((resolve, reject) => {
    const socket: net.Socket = options.tls
      ? tls.connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () => resolve(socket))
      : net.connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
    socket.setNoDelay(true);
  });
}

/** A pool over connections that stand already: undici would open each with its first request. */
async function openPool(options: Options): Promise<Pool> {
  const ready = await Promise.all(Array.from({ length: options.connections }, () => connectSocket(options)));
  for (const socket of ready) socket.removeAllListeners('error').on('error', () => undefined);
  return new Pool(`${options.tls ? 'https' : 'http'}://${options.host}:${options.port}`, {
    connections: options.connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0,
    connect: (_, callback) => {
      const socket = ready.pop();
      // undici ignores an answer that comes before its own call returns
      if (socket && !socket.destroyed) queueMicrotask(() => callback(null, socket));
      else connectSocket(options).then((fresh) => callback(null, fresh), (error: Error) => callback(error, null));
    },
  });
}

/** The second thread, up and waiting, so that the schedule does not start with its start-up. */
async function startPacer(): Promise<Worker> {
  const pacer = new Worker(path.join(path.dirname(process.argv[1]), 'pacer.cjs'), { execArgv: [] });
  await once(pacer, 'online');
  return pacer;
}

class Load {
  private readonly requests: Sent[] = [];
  private settled = 0;
  private lastAnswer = 0;
  private interrupted = false;
  private readonly origin = performance.now();
  /** The same moment on the clock that all threads share; read second, so that ours is never behind the pacer's. */
  private readonly originNs = process.hrtime.bigint();
  readonly epochUs = Math.round((performance.timeOrigin + this.origin) * 1000);

  /** @param pacer needed for a constant rate only. */
  constructor(private readonly options: Options, private readonly pool: Pool, private readonly pacer: Worker | null) {}

  /** Resolves at the end of the schedule, when all is answered or was awaited long enough. */
  async run(): Promise<void> {
    if (this.options.rate === 0) for (let i = 0; i < this.options.connections; i++) this.sendNext();
    else this.pace(this.pacer!);
    while (!this.finished()) await sleep(20);
  }

  /** Ends the schedule, not what is under way: that is awaited as at any other end. A batch ends at once. */
  end(): void {
    this.interrupted = true;
    this.options.durationMs = Math.min(this.options.durationMs, this.now());
  }

  private now(): number {
    return performance.now() - this.origin;
  }

  private dueAt(k: number): number {
    return (k * 1000) / this.options.rate;
  }

  private isDue(now: number): boolean {
    if (this.requests.length >= this.options.requests) return false;
    if (this.options.rate === 0) return now < this.options.durationMs;
    const next = this.dueAt(this.requests.length);
    return next <= now && next < this.options.durationMs;
  }

  /** Closed loop: one after the other. A connection that broke waits before it tries again. */
  private sendNext(): void {
    const now = this.now();
    if (this.isDue(now)) this.send(now, (ok) => (ok ? this.sendNext() : setTimeout(() => this.sendNext(), retryMs)));
  }

  /** Open loop: everything that is due by now; undici queues, first in first out, what has no free connection. */
  private sendDue(): void {
    const now = this.now();
    while (this.isDue(now)) this.send(this.dueAt(this.requests.length));
  }

  private pace(pacer: Worker): void {
    const { rate, durationMs, requests } = this.options;
    pacer.on('message', () => this.sendDue());
    pacer.postMessage({ rate, count: Math.min(requests, (durationMs * rate) / 1000), originNs: this.originNs });
    pacer.unref();
  }

  private send(intended: number, then?: (ok: boolean) => void): void {
    const request: Sent = { intended, sent: -1, done: -1, status: 0 };
    this.requests.push(request);
    const settle = (status: number) => {
      request.status = status;
      request.done = this.lastAnswer = this.now();
      this.settled++;
      then?.(status > 0);
    };
    let status = 0;
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => void (request.sent = this.now()),
      onResponseStart: (_, code) => void (status = code),
      onResponseData: () => undefined,
      onResponseEnd: () => settle(status),
      onResponseError: () => settle(0),
    };
    this.pool.dispatch({ path: this.options.path, method: 'GET', reset: this.options.close }, handler);
  }

  private finished(): boolean {
    const now = this.now();
    const { durationMs, requests, stallMs } = this.options;
    const all = this.settled === this.requests.length;
    if (!Number.isFinite(requests)) return now >= durationMs && (all || now >= durationMs + drainMs);
    const stalled = now - this.lastAnswer > stallMs && !all;
    return this.interrupted || this.settled >= requests || stalled;
  }

  writeLog(): void {
    // What a batch still owed when the server fell silent belongs into the log too.
    while (this.requests.length < this.options.requests && Number.isFinite(this.options.requests)) {
      this.requests.push({ intended: this.options.rate ? this.dueAt(this.requests.length) : this.now(), sent: -1, done: -1, status: 0 });
    }
    const us = (ms: number) => (ms < 0 ? -1 : Math.round(ms * 1000));
    const lines = this.requests.map((r) => `${us(r.intended)}\t${us(r.sent)}\t${us(r.done)}\t${r.status}\n`);
    const head = `# request log 1\n# startUs ${this.epochUs}\n# intendedUs sentUs doneUs status\n`;
    fs.writeFileSync(this.options.log, `${head}${lines.join('')}# end ${lines.length}\n`);
  }
}

async function main(): Promise<void> {
  const options = readOptions();
  const pacer = options.rate === 0 ? null : await startPacer();
  const pool = await openPool(options).catch((error: Error) => {
    console.error(`cannot connect to ${options.host}:${options.port}: ${error.message}`);
    process.exit(2);
  });
  // A batch sends what was asked for and nothing else.
  if (pacer && !Number.isFinite(options.requests)) await new Load({ ...options, rate: 0, durationMs: warmUpMs }, pool, null).run();
  const load = new Load(options, pool, pacer);
  process.once('SIGTERM', () => load.end());
  console.log(`started ${load.epochUs}`);
  await load.run();
  load.writeLog();
  process.exit(0);
}

process.on('uncaughtException', (error) => {
  console.error(error.message);
  process.exit(1);
});
void main();
