import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Decoder, DecoderOptions, EncodingKind } from 'iced-x86';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { median } from '../../lib/analysis/statistics.js';
import { startEcho } from '../../lib/deploy/backend.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { startSidecar } from '../../lib/deploy/envoy.js';
import type { Backend, Sidecar } from '../../lib/deploy/types.js';
import { planCpus } from '../../lib/host/cpus.js';
import { projectPath } from '../../lib/host/paths.js';
import { run, start, type Daemon } from '../../lib/host/process.js';
import { connect, type SequentialClient } from '../../lib/load/sequential.js';
import { connectVaried } from '../../lib/load/varied.js';
import { clientDescriptors } from '../../lib/trace/client-descriptors.js';
import { codeOf, codeOfFiles } from '../../lib/trace/code-lines.js';
import { openTrace } from '../../lib/trace/format.js';
import { codeSources } from '../../lib/trace/mapped-code.js';
import { findRequests } from '../../lib/trace/requests.js';
import { maskedEnvironment, probe, startSingleStep, type SingleStepping } from '../../lib/trace/single-step.js';
import { slowClockWrap } from '../../lib/trace/slow-clock.js';
import type { SteppingOutcome } from '../../lib/trace/stepping.js';

const { worker: cpu } = planCpus();
let folder: string;
beforeAll(() => { folder = fs.mkdtempSync(path.join(os.tmpdir(), 'single-step-test-')); });
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** What the kernel says of a thread's tracer and of signals it has not taken. */
function leftOf(pid: number, tid: number): Record<string, string> {
  const status = fs.readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
  return Object.fromEntries(['TracerPid', 'SigPnd', 'ShdPnd'].map((name) => [name, new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status)![1].replace(/^0+$/, '0')]));
}
const nothingLeft = { TracerPid: '0', SigPnd: '0', ShdPnd: '0' };

describe('a traced Envoy', () => {
  let echo: Backend;
  let sidecar: Sidecar;
  let clients: SequentialClient[];
  // The stand-in, as uWebSockets closes connections that were idle for 10 s, which they may be while a busy machine steps.
  beforeAll(async () => { echo = await startEcho({ prefer: 'node' }); });
  afterAll(() => echo.stop());
  beforeEach(async () => {
    sidecar = await startSidecar(policyById('tcp'), { upstream: echo.address, wrap: await slowClockWrap() });
    clients = Array.from({ length: 8 }, () => connect(sidecar.address));
    for (const client of clients) await client.get('/100');
  });
  afterEach(async () => {
    clients.forEach((client) => client.close());
    await sidecar.stop();
  });

  const step = (requests: number, name = 'trace') =>
    startSingleStep(sidecar, { clientDescriptors: clientDescriptors(sidecar), requests, file: path.join(folder, name), cpu });

  async function record(requests: number, sent: number): Promise<{ outcome: SteppingOutcome; perRequest: number[] }> {
    const stepping = await step(requests);
    for (let i = 0; i < sent; i++) await clients[i % clients.length].get('/100');
    const outcome = await stepping.outcome;
    const spans = await findRequests(openTrace(path.join(folder, 'trace')));
    return { outcome, perRequest: spans.filter(({ isWhole, requests: held }) => isWhole && held === 1).map(({ instructions }) => instructions) };
  }

  it('executes the same number of instructions a request in two recordings, and is whole after', async () => {
    expect(await probe()).toMatchObject({ available: true });
    const first = await record(6, 7);
    const second = await record(6, 7);
    expect(first.outcome).toMatchObject({ requests: 6, ended: 'requests' });
    expect(first.perRequest).toHaveLength(6);
    expect(Math.min(...first.perRequest)).toBeGreaterThan(10_000);
    expect(Math.abs(median(second.perRequest) / median(first.perRequest) - 1)).toBeLessThan(0.01);
    expect(leftOf(sidecar.pid, sidecar.workerTid)).toEqual(nothingLeft);
    for (const client of clients) expect(await client.get('/100')).toBeGreaterThan(0);
  });

  it('has its other threads standing still meanwhile, and going on after', async () => {
    const states = () => fs.readdirSync(`/proc/${sidecar.pid}/task`).map(Number).filter((tid) => tid !== sidecar.workerTid)
      .map((tid) => /^State:\s*(\S)/m.exec(fs.readFileSync(`/proc/${sidecar.pid}/task/${tid}/status`, 'utf8'))![1]);
    const stepping = await step(1000);
    expect(new Set(states())).toEqual(new Set(['t']));
    await stepping.stop();
    expect(states()).not.toContain('t');
    expect(await sidecar.stats()).toHaveProperty('server.live', 1);
  });

  it('is let go while it waits, once the last request is answered and nothing moves', async () => {
    const { outcome, perRequest } = await record(2, 2);
    expect(outcome).toMatchObject({ requests: 2, ended: 'requests' });
    expect(perRequest).toHaveLength(2);
    expect(leftOf(sidecar.pid, sidecar.workerTid)).toEqual(nothingLeft);
    expect(await clients[0].get('/100')).toBeGreaterThan(0);
  });

  it('keeps what was recorded so far when it is told to stop', async () => {
    const stepping = await step(1000);
    await clients[0].get('/100');
    await stepping.stop();
    expect(await stepping.outcome).toMatchObject({ ended: 'told to' });
    expect(openTrace(path.join(folder, 'trace')).totals.instructions).toBeGreaterThan(10_000);
    expect(await clients[1].get('/100')).toBeGreaterThan(0);
  });

  it('ends with a recorder that is killed: the step it was about to make would end it anyway', async () => {
    const stepping = await step(1000, 'never');
    await clients[0].get('/100');
    process.kill(stepping.pid, 'SIGKILL');
    await expect(stepping.outcome).rejects.toThrow(/^the recording process was killed by SIGKILL, and the sidecar with it/);
    while (sidecar.alive()) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await sidecar.ending()).toMatch(/^killed by SIGKILL/);
    expect(fs.existsSync(path.join(folder, 'never'))).toBe(false);
  });

  it('is not traced twice, and says who does', async () => {
    const first = await step(1000);
    await expect(step(1000, 'second')).rejects.toThrow(new RegExp(`^nothing was recorded: cannot trace thread ${sidecar.workerTid} \\(EPERM\\); process ${first.pid} traces it already`));
    await clients[0].get('/100');
    await first.stop();
  });
});

describe('a traced program', () => {
  let program: Daemon;
  let stepping: SingleStepping;
  beforeAll(() => run(['gcc', '-O1', '-o', path.join(folder, 'signalled'), 'test/fixtures/trace/signalled.c']));
  beforeEach(async () => {
    program = await start([path.join(folder, 'signalled')], { name: 'signalled', cpus: [cpu], logFile: path.join(folder, 'log') });
    await until(/ready/);
    stepping = await startSingleStep({ pid: program.pid, workerTid: program.pid }, { clientDescriptors: [], requests: 1, file: path.join(folder, 'program'), cpu, firstRequestS: 60 });
  });
  afterEach(() => program.stop());

  async function until(said: RegExp): Promise<void> {
    while (!said.test(program.output())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  it('gets its signals while it is stepped, in computing and in waiting', async () => {
    for (let i = 1; i <= 5; i++) {
      process.kill(program.pid, 'SIGUSR1');
      await until(new RegExp(`signals ${i}\n`));
    }
    await stepping.stop();
    expect(await stepping.outcome).toMatchObject({ ended: 'told to', requests: 0 });
    expect(program.alive()).toBe(true);
    expect(leftOf(program.pid, program.pid)).toEqual(nothingLeft);
  });

  it('stays stopped when it is stopped by a signal, and goes on with SIGCONT', async () => {
    process.kill(program.pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(program.pid, 'SIGUSR1');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(program.output()).not.toMatch(/signals/);
    process.kill(program.pid, 'SIGCONT');
    await until(/signals 1\n/);
    await stepping.stop();
    expect((await stepping.outcome).instructions).toBeGreaterThan(0);
    expect(program.alive()).toBe(true);
  });

  it('has a repeated string instruction counted once, however often it was stepped', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await stepping.stop();
    const { steps, instructions } = await stepping.outcome;
    expect(steps).toBeGreaterThan(instructions + 4000);
    expect(openTrace(path.join(folder, 'program')).totals.instructions).toBe(instructions);
  });

  it('that ends meanwhile is told as that', async () => {
    process.kill(program.pid, 'SIGTERM');
    await expect(stepping.outcome).rejects.toThrow(/^nothing was recorded: thread \d+ ended while it was traced \(killed by signal 15\)/);
  });
});

const hasAvx512 = / avx512vl /.test(fs.readFileSync('/proc/cpuinfo', 'utf8'));

describe('an Envoy whose CPU features are masked', () => {
  let echo: Backend;
  beforeAll(async () => { echo = await startEcho({ prefer: 'node' }); });
  afterAll(() => echo.stop());

  /** How many of the distinct runs that a request executes hold an instruction with an EVEX prefix, AVX-512's. */
  async function runsWithAvx512(wrap?: string[]): Promise<number> {
    const sidecar = await startSidecar(policyById('http'), { upstream: echo.address, wrap });
    const client = connectVaried({ address: sidecar.address, tls: false }, 1);
    try {
      await client.send(1);
      const file = path.join(folder, 'avx512');
      const { outcome } = await startSingleStep(sidecar, { clientDescriptors: clientDescriptors(sidecar), requests: 1, file, cpu });
      await client.send(1);
      await outcome;
      return await countAvx512(file, sidecar.pid);
    } finally {
      client.close();
      await sidecar.stop();
    }
  }

  async function countAvx512(file: string, pid: number): Promise<number> {
    const trace = openTrace(file);
    for await (const chunk of trace.chunks()) expect(chunk.length).toBeGreaterThan(0);
    const code = codeOf(trace.header, codeOfFiles(codeSources(pid)));
    const { address, bytes, size } = trace.runs;
    return Array.from({ length: size }, (_, id) => id).filter((id) => {
      const decoder = new Decoder(64, code(address[id], bytes[id]), DecoderOptions.None);
      return decoder.decodeAll().some(({ encoding }) => encoding === EncodingKind.EVEX);
    }).length;
  }

  it('executes no AVX-512, as under Valgrind', async () => {
    expect(await runsWithAvx512(await slowClockWrap(maskedEnvironment()))).toBe(0);
  });
  it.skipIf(!hasAvx512)('does when they are not', async () => {
    expect(await runsWithAvx512()).toBeGreaterThan(0);
  });
});

it.skipIf(process.getuid?.() !== 0)('the reason is told where tracing is not permitted', async () => {
  const script = `require('${projectPath('lib', 'host', 'ptrace.ts')}').loadPtrace().then((ptrace) => ptrace.seize(${process.pid})).catch((error) => console.log(error.message))`;
  const { stdout } = await run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '--import', 'tsx', '-e', script], { env: { NODE_OPTIONS: '', TSX_DISABLE_CACHE: '1' } });
  expect(stdout).toMatch(/^cannot trace thread \d+ \(EPERM\); .*(run as|ptrace_scope)/);
});
