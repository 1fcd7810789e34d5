/** Do whole applications come and go quickly, fit together into one machine, answer every request, and cost the same again? */
import * as fs from 'node:fs';
import { graphById } from '../apps/graph-file.js';
import { traversalCount } from '../apps/traversals.js';
import { relativeDeviation } from '../analysis/statistics.js';
import { applicationEngine } from '../deploy/engines.js';
import type { ApplicationSpec, DeployedApplication } from '../deploy/application.js';
import { loadApplication } from '../experiments/application-load.js';
import { paperApplications } from '../experiments/applications.js';
import { atMost, count, fixed, judged, noneWrong, percent, seconds, unavailable, type BenchRow } from './row.js';
import type { Scene } from './scene.js';

const soakS = 600;
/** Of the maximum throughput: well below the knee. */
const soakShare = 0.5;
const windowS = 10;
const windows = 4;
const connections = 32;
const profile = 'default';

const what = {
  up: 'bring-up of the application with the most pods, with sidecars',
  down: 'its tear-down',
  memory: "memory of the paper's three applications with sidecars at once",
  soak: `${soakS / 60} minutes below the knee: requests that failed`,
  repeats: `sidecars' CPU time per request, ${windows} windows of ${windowS} s against their mean, at worst`,
};
const memoryReach = atMost(6000, (mb) => `${fixed(0)(mb)} MB`);
const repeatsReach = atMost(0.05, percent(0));
const reaches = [[what.up, atMost(60, seconds(0))], [what.down, atMost(10, seconds(0))], [what.memory, memoryReach], [what.soak, noneWrong], [what.repeats, repeatsReach]] as const;

export async function applications({ testbed, newDir }: Scene): Promise<BenchRow[]> {
  const able = await applicationEngine().probe();
  if (!able.available) return reaches.map(([each, reach]) => unavailable(each, reach, able));
  const { cpus } = testbed;
  const start = (spec: ApplicationSpec) => applicationEngine().start(spec, { cpus });
  const specs = paperApplications.map((id): ApplicationSpec => ({ graph: graphById(id), profile, nodes: 5 }));
  return [
    ...await comingAndGoing(start, specs.reduce((a, b) => (b.graph.services.length > a.graph.services.length ? b : a))),
    await together(start, specs),
    ...await longLoad(start, specs.reduce((a, b) => (traversalCount(b.graph) < traversalCount(a.graph) ? b : a)), { dir: newDir(), cpus: cpus.others }),
  ];
}

type Start = (spec: ApplicationSpec) => Promise<DeployedApplication>;

async function comingAndGoing(start: Start, spec: ApplicationSpec): Promise<BenchRow[]> {
  const began = performance.now();
  const app = await start(spec);
  const up = (performance.now() - began) / 1000;
  const ended = performance.now();
  await app.stop();
  const down = (performance.now() - ended) / 1000;
  const notes = [`${spec.graph.label}, ${app.pods.length} pods on ${spec.nodes} nodes`];
  return [judged(what.up, reaches[0][1], [up], seconds(1)(up), notes), judged(what.down, reaches[1][1], [down], seconds(1)(down))];
}

/** Pages that processes share are counted once (Pss). */
async function together(start: Start, specs: readonly ApplicationSpec[]): Promise<BenchRow> {
  const apps: DeployedApplication[] = [];
  try {
    for (const spec of specs) apps.push(await start(spec));
    for (const { target, path } of apps) await fetch(`http://${target.address.host}:${target.address.port}${path}`).then((answer) => answer.text());
    const pids = apps.flatMap(({ pods }) => pods.flatMap(({ servicePids, sidecar }) => [...servicePids, ...(sidecar ? [sidecar.pid] : [])]));
    const mb = pids.reduce((sum, pid) => sum + pssMb(pid), 0);
    return judged(what.memory, memoryReach, [mb], `${fixed(0)(mb)} MB`, [`${pids.length} processes`]);
  } finally {
    for (const app of apps) await app.stop();
  }
}

function pssMb(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) / 1000;
}

async function longLoad(start: Start, spec: ApplicationSpec, place: { dir: string; cpus: number[] }): Promise<BenchRow[]> {
  const app = await start(spec);
  const load = { connections, path: app.path, warmUpS: 1 };
  try {
    const { outcome: { achievedRatePerS } } = await loadApplication(app, { ...load, mode: 'closed', durationS: windowS }, place);
    const costs: number[] = [];
    for (let i = 0; i < windows; i++) {
      const { window: { pods, requests } } = await loadApplication(app, { ...load, mode: 'closed', durationS: windowS }, place);
      costs.push(pods.reduce((sum, { sidecar }) => sum + (sidecar?.runNs ?? 0), 0) / 1000 / requests);
    }
    const mean = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
    const apart = costs.map((cost) => Math.abs(relativeDeviation(mean, cost)));
    const { outcome } = await loadApplication(app, { ...load, mode: 'open', ratePerS: soakShare * achievedRatePerS, durationS: soakS }, place);
    return [
      judged(what.soak, noneWrong, [outcome.errors], `${count(outcome.errors)} of ${count(outcome.requests + outcome.errors)}`, [`${spec.graph.label}, ${outcome.achievedRatePerS.toFixed(0)} requests/s, p99 ${(outcome.latencyUs.p99 / 1000).toFixed(1)} ms, ${JSON.stringify(outcome.statuses)}`]),
      judged(what.repeats, repeatsReach, apart, percent(1)(Math.max(...apart)), [`${costs.map((cost) => cost.toFixed(0)).join(', ')} µs`]),
    ];
  } finally {
    await app.stop();
  }
}
