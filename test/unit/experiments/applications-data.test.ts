import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { applicationsData, type LoadRow, type PodRow } from '../../../lib/experiments/applications-data.js';
import { writeJson } from '../../../lib/store/json-file.js';
import type { Run } from '../../../lib/store/run-store.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'applications-data-'));
afterAll(() => fs.rmSync(root, { recursive: true }));

/** CPU time for one of 100 requests: of the front's and the back's service and sidecars, and of a service that nobody asks. */
interface Spent { front: [app: number, sidecar: number]; back: [app: number, sidecar: number]; idle: [app: number, sidecar: number] }

/** One repeat at full speed. @param rejected answered 429, which marks the run. */
function run(repeat: number, spent: Spent, rejected = 0): Run {
  const dir = path.join(root, String(repeat));
  fs.mkdirSync(dir);
  const cpu = (us: number) => ({ runNs: us * 1000 * 100 });
  writeJson(dir, 'load.json', { requests: 100, errors: 0, statuses: rejected > 0 ? { 429: rejected } : {}, intendedRatePerS: null, achievedRatePerS: 25, windowUs: [0, 4e6], latencyUs: { p50: 1, p90: 2, p99: 3 } });
  writeJson(dir, 'pods.json', { windowUs: [0, 4e6], requests: 100, generator: cpu(1), pods: Object.entries(spent).map(([service, [app, sidecar]]) => ({ service, node: 0, app: cpu(app), sidecar: cpu(sidecar), worker: null })) });
  writeJson(dir, 'topology.json', { engine: 'namespaces', entry: 'front', podCores: 1, pods: Object.keys(spent).map((service) => ({ service, node: 0, requests: { inbound: service === 'idle' ? 0 : 100, outbound: service === 'front' ? 100 : 0 } })) });
  const application = { graph: 'two', variant: null, profile: 'default', nodes: 1, engine: 'namespaces' };
  const load = { mode: 'closed', connections: 32 };
  return { dir, id: `two/${repeat}`, key: 'one', repeat, startedAt: `2026-01-0${repeat + 1}`, policy: { id: 'two/default', label: 'Two' }, spec: { application, load, collector: { name: 'cpu-time' } }, provenance: { machine: { cpuModel: 'Test CPU' }, envoyVersion: '1', coreClockHz: [2e9] }, warnings: [] } as unknown as Run;
}

describe('CPU time of sidecars at one speed of the machine', () => {
  const spent = (slower: number, chores: number): Spent => ({ front: [600 * slower, 200 * slower], back: [400 * slower, 100 * slower], idle: [chores, 10 * slower] });
  const data = applicationsData({ origin: 'test' }, [run(0, spent(1, 0)), run(1, spent(1.5, 700)), run(2, spent(1, 0)), run(3, spent(3, 0), 5)]);
  const loads = data.loads.objects() as LoadRow[];
  const pods = data.pods.objects() as PodRow[];

  it('takes the services that requests reach as the reference, not the chores of others', () => {
    expect(loads.map(({ referenceCpuUs }) => referenceCpuUs)).toEqual([1000, 1500, 1000, 3000]);
    expect(loads[1].appCpuUs).toBe(2200);
  });

  it('is the same in repeats that differ by the speed of the machine only, beside the value as measured', () => {
    expect(loads.map(({ sidecarCpuUs }) => sidecarCpuUs)).toEqual([310, 465, 310, 930]);
    expect(loads.slice(0, 3).map(({ steadySidecarCpuUs }) => steadySidecarCpuUs)).toEqual([310, 310, 310]);
  });

  it('is not had of marked repeats, which do not move the others either', () => expect(loads[3]).toMatchObject({ good: false, steadySidecarCpuUs: null }));

  it('is had pod by pod, and adds up', () => {
    const steady = (service: string) => pods.filter((pod) => pod.service === service).map(({ steadySidecarCpuUs }) => steadySidecarCpuUs);
    expect(steady('front')).toEqual([200, 200, 200]);
    expect(steady('back')).toEqual([100, 100, 100]);
    expect(pods.filter(({ repeat }) => repeat === 1).reduce((sum, { steadySidecarCpuUs }) => sum + steadySidecarCpuUs!, 0)).toBe(310);
  });
});
