import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { workbenchPath } from '../../../lib/host/paths.js';
import { CommandFailed, endLeftovers, isAlive, run, start, startOnItsOwn, startTicks, withTranscript } from '../../../lib/host/process.js';

describe('run', () => {
  it('returns what the program printed, arguments untouched by any shell', async () => {
    const { stdout } = await run(['printf', '%s|', 'a b', '$HOME', "it's", '*']);
    expect(stdout).toBe("a b|$HOME|it's|*|");
  });
  it('says which program failed, how, and its last words', async () => {
    await expect(run(['sh', '-c', 'echo first >&2; echo no such policy >&2; exit 3']))
      .rejects.toThrow('sh exited with 3: no such policy');
  });
  it('says where to look for a program that is not installed', async () => {
    const failed = await run(['no-such-program-here']).catch((error) => error as CommandFailed);
    expect(failed).toBeInstanceOf(CommandFailed);
    expect((failed as CommandFailed).message).toMatch(/exited with 127.*npm run doctor/);
  });
  it('ends a program at its time limit', async () => {
    expect((await run(['sleep', '60'], { timeoutMs: 100, allow: 'any' })).exitCode).toBe(124);
  });
  it("does not run the user's ~/.bashrc, whatever started us", async () => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'home-'));
    fs.writeFileSync(path.join(home, '.bashrc'), 'echo from .bashrc\n');
    const level = process.env.SHLVL;
    try {
      delete process.env.SHLVL;
      expect((await run(['echo', 'hello'], { env: { HOME: home } })).stdout).toBe('hello\n');
    } finally {
      if (level !== undefined) process.env.SHLVL = level;
      fs.rmSync(home, { recursive: true });
    }
  });
  it('answers from a transcript in tests and refuses a command that was not recorded', async () => {
    await withTranscript([{ argv: ['perf', 'stat'], result: { stdout: 'x' } }], async () => {
      expect((await run(['perf', 'stat', '-j'])).stdout).toBe('x');
      await expect(run(['perf', 'record'])).rejects.toThrow('transcript has no answer for: perf record');
    });
  });
});

describe('start', () => {
  it('gives a daemon whose output can be read and which stop() ends', async () => {
    const daemon = await start(['sh', '-c', 'echo up; exec sleep 60'], { name: 'sleeper' });
    const ticks = startTicks(daemon.pid)!;
    await until(() => daemon.output() === 'up\n');
    await daemon.stop();
    expect(daemon.alive()).toBe(false);
    expect(isAlive(daemon.pid, ticks)).toBe(false);
  });
  it('kills a daemon that ignores SIGTERM', async () => {
    const daemon = await start(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 1; done'], { name: 'stubborn' });
    await until(() => daemon.output() === 'up\n');
    await daemon.stop(100);
    expect((await daemon.exited).signal).toBe('SIGKILL');
  });
});

describe('nothing outlives the workbench', () => {
  let children: number[] = [];
  afterEach(() => {
    for (const pid of children) if (startTicks(pid)) process.kill(pid, 'SIGKILL');
    children = [];
  });
  /** A second workbench process that starts one daemon and prints its pid. */
  async function owner(): Promise<{ owner: number; daemon: number; ended: Promise<unknown> }> {
    const script = `import { start } from './lib/host/process.js';
      void start(['sleep', '600'], { name: 'sleeper' }).then((d) => { console.log(d.pid); setInterval(() => {}, 1000); });`;
    const file = workbenchPath(`owner-${process.pid}.ts`);
    fs.writeFileSync(file, script.replace('./lib', path.resolve('lib')));
    const child = spawn(process.execPath, ['--import', 'tsx', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const daemon = await new Promise<number>((resolve) => child.stdout.on('data', (text) => resolve(Number(String(text)))));
    fs.rmSync(file);
    children.push(child.pid!, daemon);
    // Its end is tied to its owner's by what runs in between, until sleep itself does.
    await until(() => fs.readFileSync(`/proc/${daemon}/comm`, 'utf8') === 'sleep\n');
    return { owner: child.pid!, daemon, ended: new Promise((resolve) => child.on('exit', resolve)) };
  }

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('a daemon ends when its owner gets %s', async (signal) => {
    const { owner: pid, daemon, ended } = await owner();
    expect(startTicks(daemon)).toBeDefined();
    process.kill(pid, signal);
    await ended;
    await until(() => startTicks(daemon) === undefined);
    endLeftovers();
    expect(fs.existsSync(workbenchPath('processes', `${daemon}.json`))).toBe(false);
  });

  it('but a program that is started on its own does, in a session of its own', () => {
    const logFile = workbenchPath('log', `on-its-own-${process.pid}.log`);
    const pid = startOnItsOwn(['sh', '-c', 'echo up; exec sleep 600'], { logFile });
    children.push(pid);
    const session = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[3];
    expect(Number(session)).toBe(pid);
    endLeftovers();
    expect(startTicks(pid)).toBeDefined();
    fs.rmSync(logFile);
  });

  it('ends what an owner left behind, but never a process that merely has the same pid', async () => {
    const left = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const other = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    children.push(left.pid!, other.pid!);
    fs.mkdirSync(workbenchPath('processes'), { recursive: true });
    const entry = (pid: number, ticks: number) => fs.writeFileSync(workbenchPath('processes', `${pid}.json`),
      JSON.stringify({ name: 'left', pid, startTicks: ticks, ownerPid: 999999, ownerStartTicks: 1 }));
    entry(left.pid!, startTicks(left.pid!)!);
    entry(other.pid!, startTicks(other.pid!)! - 1);
    expect(endLeftovers()).toContain('left');
    await until(() => startTicks(left.pid!) === undefined);
    expect(startTicks(other.pid!)).toBeDefined();
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}
