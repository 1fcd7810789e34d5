import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { complaint, execute, runSteps, StepFailed } from '../../../environment/steps.mjs';

type Step = Parameters<typeof runSteps>[0][number];

let folder: string;
let manifest: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'steps-'));
  manifest = path.join(folder, 'manifest.txt');
  fs.writeFileSync(manifest, 'envoy 1.40.0');
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

/** A step that leaves a file behind, as real ones leave an environment. */
function step(id: string, changes: Partial<Step> = {}): Step {
  const product = path.join(folder, `${id}.product`);
  return {
    id, label: id, inputs: [manifest], done: () => fs.existsSync(product),
    run: async () => fs.writeFileSync(product, ''), ...changes,
  };
}

const options = () => ({ folder: path.join(folder, 'setup'), log: () => {} });

describe('set-up', () => {
  test('does each step once', async () => {
    expect((await runSteps([step('npm'), step('python')], options())).ran).toEqual(['npm', 'python']);
    expect((await runSteps([step('npm'), step('python')], options())).ran).toEqual([]);
  });

  test('does a step again when its manifest changed, and those that build on it', async () => {
    const steps = [step('npm', { inputs: [] }), step('python'), step('kernel', { inputs: [], after: ['python'] })];
    await runSteps(steps, options());
    fs.writeFileSync(manifest, 'envoy 1.41.0');
    expect((await runSteps(steps, options())).ran).toEqual(['python', 'kernel']);
  });

  test('does a step again when what it made is gone', async () => {
    await runSteps([step('python')], options());
    fs.rmSync(path.join(folder, 'python.product'));
    expect((await runSteps([step('python')], options())).ran).toEqual(['python']);
  });

  test('does a half-finished step again, though its product is there', async () => {
    const broken = step('python', { run: async () => { fs.writeFileSync(path.join(folder, 'python.product'), 'half'); throw new Error('killed'); } });
    await runSteps([broken], options());
    expect((await runSteps([step('python')], options())).ran).toEqual(['python']);
  });

  test('does nothing without inputs as long as the thing is there', async () => {
    const system = step('system', { inputs: undefined, done: () => true });
    expect(await runSteps([system], options())).toEqual({ ran: [], notes: [] });
  });
});

describe('a step that fails', () => {
  const failing = (changes: Partial<Step> = {}) => step('python', {
    run: async () => { throw new StepFailed('pip ended with 1: No space left on device', 'free 440 MB'); }, ...changes,
  });

  test('is told with reason and remedy while the others go on', async () => {
    const { ran, notes } = await runSteps([failing(), step('tool')], options());
    expect(ran).toEqual(['tool']);
    expect(notes).toEqual([{ step: 'python', reason: 'pip ended with 1: No space left on device', remedy: 'free 440 MB' }]);
  });

  test('takes with it only what builds on it', async () => {
    const { ran, notes } = await runSteps([failing(), step('kernel', { after: ['python'] })], options());
    expect(ran).toEqual([]);
    expect(notes[1]).toEqual({ step: 'kernel', reason: 'needs "python", which is not there', remedy: 'free 440 MB' });
  });

  test('ends set-up when nothing works without it', async () => {
    await expect(runSteps([failing({ required: true }), step('tool')], options())).rejects.toThrow('python: pip ended with 1: No space left on device');
    expect(fs.existsSync(path.join(folder, 'tool.product'))).toBe(false);
    expect(fs.existsSync(path.join(folder, 'setup', 'lock')), 'the lock is given back').toBe(false);
  });

  test('that this machine cannot do is not tried', async () => {
    const noRoot = { reason: 'only root can install them', remedy: 'ask root' };
    const { notes } = await runSteps([step('system', { impossible: () => noRoot, run: async () => { throw new Error('tried'); } })], options());
    expect(notes).toEqual([{ step: 'system', ...noRoot }]);
  });
});

describe('two set-ups at once', () => {
  test('do every step once between them', async () => {
    let runs = 0;
    const slow = () => step('npm', {
      run: async () => { runs++; await new Promise((resolve) => setTimeout(resolve, 300)); fs.writeFileSync(path.join(folder, 'npm.product'), ''); },
    });
    const said: string[] = [];
    await Promise.all([1, 2].map(() => runSteps([slow()], { ...options(), log: (line) => said.push(line) })));
    expect(runs).toBe(1);
    expect(said.join('\n')).toContain(`waiting for the set-up that process ${process.pid} is doing`);
  });

  test('a lock left by a killed one holds nobody up', async () => {
    fs.mkdirSync(options().folder);
    fs.writeFileSync(path.join(options().folder, 'lock'), JSON.stringify({ pid: 2 ** 22 + 1, started: '5' }));
    expect((await runSteps([step('npm')], options())).ran).toEqual(['npm']);
  });
});

describe('programs of a step', () => {
  const log = () => {};

  test('a failing one is told with its own words', async () => {
    const failing = execute([process.execPath, '-e', 'console.error("E: Unable to locate package chromium"); process.exit(100)'], { log, remedy: 'look' });
    await expect(failing).rejects.toMatchObject({ message: 'node ended with 100: E: Unable to locate package chromium', remedy: 'look' });
  });

  test('the first complaint is shown, not the advice that follows it', () => {
    const npm = 'npm warn config old\nnpm error code ENOSPC\nnpm error syscall write\nnpm error nospc no space left on device\nnpm error A complete log of this run can be found in: /root\n';
    expect(complaint(npm)).toBe('npm error code ENOSPC | npm error syscall write | npm error nospc no space left on device');
    expect(complaint('')).toBe('it said nothing');
  });
});
