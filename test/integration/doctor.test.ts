import { describe, expect, test } from 'vitest';
import { measureCoreClockHz } from '../../lib/host/clock.js';
import { allowedCpus } from '../../lib/host/cpus.js';
import { run } from '../../lib/host/process.js';

const doctor = [process.execPath, '--import', 'tsx', 'lib/commands/doctor.ts'];

describe('doctor', () => {
  test('proves with a hundred requests that a real Envoy runs here, and says which figures that allows', async () => {
    const { stdout } = await run(doctor);
    expect(stdout).toMatch(/proof: 100 of 100 requests answered through Envoy \d+\.\d+\.\d+ to the (socketify|node) echo/);
    expect(stdout).toMatch(/fig07 {2}measure/);
  });

  test('without an Envoy ends with one message that says what to do, after telling the rest', async () => {
    const { stdout, stderr, exitCode } = await run(doctor, { allow: 'any', env: { WORKBENCH_ENVOY: '/nowhere/envoy' } });
    expect(exitCode).toBe(1);
    expect(stderr.trim()).toMatch(/^Envoy cannot be run: no Envoy at \/nowhere\/envoy; .*WORKBENCH_ENVOY.*$/);
    expect(stdout).toMatch(/fig07 {2}redraw only/);
  });
});

test('the chain of additions runs at a clock that a core can have', async () => {
  const cpus = allowedCpus();
  const { hz, interval } = await measureCoreClockHz(cpus[cpus.length - 1]);
  expect(hz).toBeGreaterThan(0.5e9);
  expect(hz).toBeLessThan(8e9);
  expect(interval[0]).toBeLessThanOrEqual(hz);
  expect(interval[1]).toBeGreaterThanOrEqual(hz);
});
