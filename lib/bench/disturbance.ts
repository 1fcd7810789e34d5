/** What does each collector cost the sidecar, in CPU time per request of its worker thread? */
import { interleave, ratioEstimate, type Estimate } from '../analysis/statistics.js';
import { instructionRegions, instructionWrap } from '../counters/instruction-regions.js';
import { samplesPerS } from '../counters/perf-record.js';
import { cpuBetween, readCpu, type CpuReading } from '../counters/schedstat.js';
import { policyById } from '../deploy/catalogue.js';
import { deployedHere } from '../deploy/deployed-sidecar.js';
import type { Sidecar } from '../deploy/types.js';
import { collectors } from '../experiments/collectors.js';
import { busyLoad } from '../experiments/components.js';
import { loadAndRead } from '../experiments/measure.js';
import type { LoadSpec } from '../load/types.js';
import { atMost, fixed, judged, printed, unavailable, type BenchRow, type Reach } from './row.js';
import { sendBatch, withSidecar, type Scene } from './scene.js';

const rounds = 8;
const windowS = 1.5;

type AtSpeed = 'cpu-time' | 'perf-stat' | 'perf-record';

/** `cpu-time` records nothing: its row is what the comparison makes of no difference at all. */
const atSpeed: Record<AtSpeed, { what: string; reach: Reach }> = {
  'cpu-time': { what: 'cost of schedstat (nothing recorded: the noise)', reach: printed },
  'perf-stat': { what: 'cost of perf stat', reach: printed },
  'perf-record': { what: `cost of perf record (${samplesPerS} samples/s)`, reach: atMost(1.1, fixed(2)) },
};

/** Windows with and without each collector, interleaved, on one busy sidecar. */
export async function disturbance(scene: Scene): Promise<BenchRow[]> {
  const names = Object.keys(atSpeed) as AtSpeed[];
  const able = new Map(await Promise.all(names.map(async (name) => [name, await collectors[name].probe()] as const)));
  const usable = names.filter((name) => able.get(name)!.available);
  const costs = await withSidecar(scene, 'http', (sidecar) => costsInWindows(scene, sidecar, usable));
  return names.map((name) => {
    const { what, reach } = atSpeed[name];
    const availability = able.get(name)!;
    if (!availability.available) return unavailable(`${what}, x CPU time a request`, reach, availability);
    const estimate = ratioEstimate(costs.get(name)!, costs.get('none')!, { paired: true });
    return judged(`${what}, x CPU time a request`, reach, [estimate.value], describe(estimate));
  });
}

/** Microseconds of the worker's CPU time per request, a value a round. */
async function costsInWindows(bench: Scene, sidecar: Sidecar, names: AtSpeed[]): Promise<Map<AtSpeed | 'none', number[]>> {
  const { testbed, newDir } = bench;
  const planned = { experiment: 'bench', config: policyById('http'), collector: 'cpu-time', load: busyLoad(windowS), repeat: 0 } as const;
  const scene = { ...deployedHere(sidecar, await testbed.backend(), testbed.cpus), testbed, planned, dir: newDir() };
  const { connections, path, warmUpS = 0 } = planned.load;
  const spec: LoadSpec = { mode: 'closed', connections, path, warmUpS, durationS: windowS };
  const costs = new Map<AtSpeed | 'none', number[]>();
  for (const { item } of interleave(['none', ...names] as const, rounds, 1)) {
    const dir = newDir();
    const record = (body: () => Promise<void>) => (item === 'none' ? body() : collectors[item].record(sidecar, dir, body, testbed.cpus.others));
    const { cpu: [cpu] } = await loadAndRead(scene, spec, dir, record);
    costs.set(item, [...(costs.get(item) ?? []), cpu.worker.runNs / 1000 / cpu.requests]);
  }
  return costs;
}

const slowDownNote = 'of all CPU time at the rate of counting: the kernel and the wake-up that each request costs there are in it, and are not slowed down';

/** The same batches of requests through an Envoy under Valgrind that counts, and through one without, in turn. */
export async function slowDown(scene: Scene): Promise<BenchRow[]> {
  const what = 'slow-down by the instruction counter (http), x CPU time a request';
  const able = await instructionRegions.probe();
  if (!able.available) return [unavailable(what, printed, able)];
  const { cpus, envoy } = scene.testbed;
  const wrap = await instructionWrap(envoy.path, scene.newDir());
  const costs = { plain: [] as number[], counted: [] as number[] };
  await withSidecar(scene, 'http', (plain) => withSidecar(scene, 'http', async (counted) => {
    for (const sidecar of [plain, counted]) await sendBatch(scene, sidecar);
    for (let round = 0; round < rounds; round++) {
      costs.plain.push(await costOfBatch(scene, plain));
      costs.counted.push(await instructionRegions.record(counted, scene.newDir(), () => costOfBatch(scene, counted), cpus.others));
    }
  }, wrap));
  const estimate = ratioEstimate(costs.counted, costs.plain, { paired: true });
  return [judged(what, printed, [estimate.value], describe(estimate, 1), [slowDownNote])];
}

async function costOfBatch(scene: Scene, sidecar: Sidecar): Promise<number> {
  let requests = 0;
  const [before, after] = await readAround(sidecar, async () => { ({ requests } = await sendBatch(scene, sidecar)); });
  return cpuBetween(before, after).runNs / 1000 / requests;
}

async function readAround(sidecar: Sidecar, body: () => Promise<void>): Promise<[CpuReading, CpuReading]> {
  const before = readCpu(sidecar.pid, sidecar.workerTid);
  await body();
  return [before, readCpu(sidecar.pid, sidecar.workerTid)];
}

/** `1.042 [1.031, 1.055], 8 rounds`: median of the rounds' ratios and its 95 % interval. */
function describe({ value, interval, n }: Estimate, digits = 3): string {
  const bounds = interval ? ` [${interval.map(fixed(digits)).join(', ')}]` : '';
  return `${value.toFixed(digits)}${bounds}, ${n} rounds`;
}
