/** How fast are TLBs simulated, against libCacheSim on the same records; how long does a placement take, how much memory? */
import * as path from 'node:path';
import { ratioEstimate } from '../analysis/statistics.js';
import { connectVaried } from '../load/varied.js';
import { instructionTlbs } from '../simulate/geometry.js';
import { placeHugePages } from '../simulate/placement.js';
import { Simulator, simulate } from '../simulate/simulator.js';
import { missCurve } from '../simulate/stack-distance.js';
import { readTransitions, recordCount, TransitionStream, type Transitions } from '../simulate/transitions.js';
import { openTrace, type TraceFile } from '../trace/format.js';
import { findRequests } from '../trace/requests.js';
import { probeValgrindTrace, recordValgrindTrace, valgrindTraceWrap } from '../trace/valgrind.js';
import { libCacheSim, libCacheSimOn } from './libcachesim.js';
import { atLeast, atMost, count, fixed, judged, seconds, unavailable, type BenchRow } from './row.js';
import { targetOf, withSidecar, type Scene } from './scene.js';

const requests = 1000;
const connections = 8;
const rounds = 7;
const pageBytes = 4096;
const tlb = instructionTlbs['share of one thread, 64 + 8'];
const { sets, ways } = tlb.first;
/** Each asked of libCacheSim by itself, of us all at once. */
const curveWays = Array.from({ length: 16 }, (_, i) => i + 1);
const streamedInstructions = 1.3e9;

const what = {
  rate: `M records/s through a TLB of ${sets * ways} entries, ${ways}-way (page transitions of ${requests} HTTP requests)`,
  ratio: 'the same, x libCacheSim',
  curve: `${curveWays.length} geometries at once, x libCacheSim ${curveWays.length} times`,
  placement: 'exact placement of 0 to 8 huge pages, all regions (http)',
  memory: `memory while streaming ${streamedInstructions / 1e9} G instructions`,
};
const reach = {
  rate: atLeast(100, fixed(0)), ratio: atLeast(3, fixed(0)), curve: atLeast(20, fixed(0)),
  placement: atMost(30, seconds(0)), memory: atMost(500, (value) => `${value.toFixed(0)} MB`),
};

export async function tlbSimulation(scene: Scene): Promise<BenchRow[]> {
  const able = await probeValgrindTrace();
  if (!able.available) return (['rate', 'ratio', 'curve', 'placement', 'memory'] as const).map((name) => unavailable(what[name], reach[name], able));
  const file = await recordRequests(scene);
  const memory = await memoryOfStreaming(openTrace(file));
  const spans = await findRequests(openTrace(file));
  const [pages] = await readTransitions(openTrace(file), [pageBytes], spans);
  return [...await againstLibCacheSim(scene, pages), placementTime(pages), memory];
}

async function recordRequests(scene: Scene): Promise<string> {
  return withSidecar(scene, 'http', async (sidecar) => {
    const client = connectVaried(targetOf(sidecar), connections);
    try {
      // Warms code paths and pools, and opens the connections.
      await client.send(10 * connections);
      const file = path.join(scene.newDir(), 'trace');
      await recordValgrindTrace(sidecar, { file, cpus: scene.testbed.cpus.others, body: () => client.send(requests) });
      return file;
    } finally {
      client.close();
    }
  }, await valgrindTraceWrap());
}

/** Ours and theirs in turn. @throws Error when they do not count the same misses: then it is not the same simulation. */
async function againstLibCacheSim(scene: Scene, pages: Transitions): Promise<BenchRow[]> {
  const records = recordCount(pages);
  const ours = { one: [] as number[], all: [] as number[] };
  const theirs = { one: [] as number[], all: [] as number[] };
  const other = await libCacheSimOn(pages, sets, scene.newDir());
  for (let round = -1; round < rounds; round++) {
    const one = timed(() => simulate(pages, tlb));
    const all = timed(() => missCurve(pages, { sets, maxWays: curveWays.length }));
    if (round < 0) continue; // compiles
    const answers = await other.simulate([ways, ...curveWays]);
    for (const { ways: each, misses } of answers) {
      if (misses !== all.result.misses[each] || (each === ways && misses !== one.result.misses)) throw new Error(`libCacheSim counts ${misses} misses with ${each} ways, we count ${all.result.misses[each]} and ${one.result.misses}; one of them is wrong`);
    }
    ours.one.push(one.s);
    ours.all.push(all.s);
    theirs.one.push(answers[0].seconds);
    theirs.all.push(answers.slice(1).reduce((sum, answer) => sum + answer.seconds, 0));
  }
  const rate = records / 1e6 / Math.min(...ours.one);
  const [ratio, curve] = [ratioEstimate(theirs.one, ours.one, { paired: true }), ratioEstimate(theirs.all, ours.all, { paired: true })];
  const shown = ({ value, interval }: typeof ratio) => `${value.toFixed(1)}${interval ? ` [${interval.map(fixed(1)).join(', ')}]` : ''}`;
  const note = `libCacheSim (${libCacheSim}): one LRU for each of the ${sets} sets; it counts the same misses`;
  return [
    judged(what.rate, reach.rate, [rate], `${rate.toFixed(0)} (best of ${rounds}, ${count(records)} records)`),
    judged(what.ratio, reach.ratio, [ratio.value], shown(ratio), [note]),
    judged(what.curve, reach.curve, [curve.value], shown(curve), [`${sets} sets of 1 to ${curveWays.length} ways`]),
  ];
}

function placementTime(pages: Transitions): BenchRow {
  const { s, result } = timed(() => placeHugePages(pages, tlb, { atMost: 8 }));
  const [none, ...placed] = result;
  if (!result.every(({ isExact }) => isExact)) throw new Error('a placement of at most 8 huge pages was not searched to its end');
  return judged(what.placement, reach.placement, [s], seconds(1)(s), placed.map(({ pages: huge, misses }) => `${huge} huge pages: ${(100 * (1 - misses / none.misses)).toFixed(1)} % fewer misses`));
}

/** The recorded trace again and again, until it is as long as wanted. */
async function memoryOfStreaming(trace: TraceFile): Promise<BenchRow> {
  let instructions = 0;
  let most = 0;
  const long = {
    header: trace.header,
    get runs() { return trace.runs; },
    async *chunks() {
      while (instructions < streamedInstructions) {
        for await (const chunk of trace.chunks()) {
          for (let i = 0; i < chunk.length; i++) instructions += trace.runs.instructions[chunk.ids[i]];
          most = Math.max(most, process.memoryUsage.rss());
          yield chunk;
        }
      }
    },
  };
  const stream = new TransitionStream(long, pageBytes);
  const simulator = new Simulator(stream.units, tlb);
  for await (const chunk of stream.chunks()) simulator.feed(chunk);
  const megabytes = most / 1e6;
  return judged(what.memory, reach.memory, [megabytes], `${megabytes.toFixed(0)} MB`, ['resident memory of the whole bench at its highest meanwhile; pages through a TLB']);
}

function timed<T>(body: () => T): { s: number; result: T } {
  const started = performance.now();
  const result = body();
  return { s: (performance.now() - started) / 1000, result };
}
