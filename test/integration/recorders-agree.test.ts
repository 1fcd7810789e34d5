import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { median } from '../../lib/analysis/statistics.js';
import { profileTrace, type RequestProfile } from '../../lib/analysis/trace-profile.js';
import { callgrind, callgrindWrap, type CallgrindCounts } from '../../lib/counters/callgrind.js';
import { startEcho } from '../../lib/deploy/backend.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { startSidecar } from '../../lib/deploy/envoy.js';
import type { Backend, Sidecar } from '../../lib/deploy/types.js';
import { planCpus } from '../../lib/host/cpus.js';
import { connectVaried } from '../../lib/load/varied.js';
import { callgrindMisses } from '../../lib/simulate/callgrind-cache.js';
import { clientDescriptors } from '../../lib/trace/client-descriptors.js';
import { codeOf, codeOfFiles } from '../../lib/trace/code-lines.js';
import { RunDecoder } from '../../lib/trace/decode.js';
import { openTrace } from '../../lib/trace/format.js';
import { codeSources } from '../../lib/trace/mapped-code.js';
import { findRequests } from '../../lib/trace/requests.js';
import { maskedEnvironment, startSingleStep } from '../../lib/trace/single-step.js';
import { slowClockWrap } from '../../lib/trace/slow-clock.js';
import { recordValgrindTrace, valgrindTraceWrap, type ValgrindTraceTotals } from '../../lib/trace/valgrind.js';

const cpus = planCpus();
const connections = 2;
/** Every path of the warm code was gone through by then; the same for all, so that their requests correspond. */
const warmUp = 64;
const requests = 16;
const stepped = 3;
let echo: Backend;
let folder: string;
beforeAll(async () => {
  // The one that does not close connections while a stepped sidecar works on a request.
  echo = await startEcho({ cpus, prefer: 'node' });
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'recorders-test-'));
});
afterAll(async () => {
  await echo.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Brings up a sidecar, warms it, and lets `body` record what `send` makes it do. */
async function recorded<T>(wrap: string[], body: (sidecar: Sidecar, send: (requests: number) => Promise<void>) => Promise<T>): Promise<T> {
  const sidecar = await startSidecar(policyById('http'), { upstream: echo.address, cpus, wrap });
  const client = connectVaried(sidecar, connections);
  try {
    await client.send(warmUp);
    return await body(sidecar, client.send);
  } finally {
    client.close();
    await sidecar.stop();
  }
}

async function profilesOf(file: string): Promise<RequestProfile[]> {
  const trace = openTrace(file);
  const spans = await findRequests(trace);
  expect(spans.every(({ isWhole, requests: held }) => isWhole && held === 1)).toBe(true);
  // Which component code belongs to does not matter here.
  return (await profileTrace({ trace, spans, decoder: { end: () => 1 }, anchors: [], buildId: '', grouping: 'ours' })).requests;
}

describe('the same requests through http', () => {
  let valgrind: { totals: ValgrindTraceTotals; profiles: RequestProfile[]; cacheMisses: number };
  beforeAll(async () => {
    const file = path.join(folder, 'valgrind');
    valgrind = await recorded(await valgrindTraceWrap(), async (sidecar, send) => {
      const { totals } = await recordValgrindTrace(sidecar, { file, body: () => send(requests), cpus: cpus.others });
      const trace = openTrace(file);
      const decoder = new RunDecoder(trace.runs, codeOf(trace.header, codeOfFiles(codeSources(sidecar.pid))));
      return { totals, profiles: await profilesOf(file), cacheMisses: await callgrindMisses(trace, { firstInstructionBytes: (id) => decoder.run(id).lengths[0] }) };
    });
  }, 120_000);

  it('single-stepped with the CPU features masked that Valgrind hides are the same instructions, lines and pages to 1 %', async () => {
    const file = path.join(folder, 'stepped');
    await recorded(await slowClockWrap(maskedEnvironment()), async (sidecar, send) => {
      const stepping = await startSingleStep(sidecar, { clientDescriptors: clientDescriptors(sidecar), requests: stepped, file });
      await send(stepped);
      await stepping.outcome;
    });
    const profiles = await profilesOf(file);
    expect(profiles).toHaveLength(stepped);
    for (const key of ['instructions', 'lines', 'pages'] as const) {
      const ratios = profiles.map((use, i) => use[key] / valgrind.profiles[i][key]);
      expect(median(ratios), key).toBeGreaterThan(0.99);
      expect(median(ratios), key).toBeLessThan(1.01);
    }
  });

  it('counted by callgrind are as many instructions, and miss as often in its instruction cache, to 1 %', async () => {
    const dir = fs.mkdtempSync(path.join(folder, 'callgrind-'));
    const counts: CallgrindCounts = await recorded(await callgrindWrap(dir), async (sidecar, send) => {
      await callgrind.record(sidecar, dir, () => send(requests), cpus.others);
      return callgrind.read(dir);
    });
    const { totals, cacheMisses } = valgrind;
    expect(Math.abs(counts.Ir / (totals.instructions + totals.repetitions) - 1)).toBeLessThan(0.01);
    expect(Math.abs(counts.I1mr / cacheMisses - 1)).toBeLessThan(0.01);
  });
});
