import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instructionRegions, instructionWrap } from '../../lib/counters/instruction-regions.js';
import { startEcho } from '../../lib/deploy/backend.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { findEnvoy, startSidecar } from '../../lib/deploy/envoy.js';
import type { Backend, EnvoyBinary, Sidecar } from '../../lib/deploy/types.js';
import { planCpus } from '../../lib/host/cpus.js';
import { connectVaried, type VariedClient } from '../../lib/load/varied.js';
import { openTrace } from '../../lib/trace/format.js';
import { byRequest, findRequests, type RequestSpan } from '../../lib/trace/requests.js';
import { slowClockWrap } from '../../lib/trace/slow-clock.js';
import { probeValgrindTrace, recordValgrindTrace, valgrindTraceWrap, type ValgrindTraceTotals } from '../../lib/trace/valgrind.js';

const cpus = planCpus();
const connections = 8;
/** Every connection has been used, and every code path of a request. */
const warmUp = 3 * connections;
let echo: Backend;
let envoy: EnvoyBinary;
let folder: string;

beforeAll(async () => {
  echo = await startEcho({ cpus });
  envoy = await findEnvoy();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'trace-valgrind-test-'));
});
afterAll(async () => {
  await echo.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const newDir = () => fs.mkdtempSync(path.join(folder, 'run-'));

/** A warm sidecar with its client, both gone after. */
async function withSidecar<T>(id: string, wrap: string[] | undefined, body: (sidecar: Sidecar, client: VariedClient) => Promise<T>): Promise<T> {
  const sidecar = await startSidecar(policyById(id), { envoy, upstream: echo.address, cpus, wrap });
  const client = connectVaried(sidecar, connections);
  try {
    await client.send(warmUp);
    return await body(sidecar, client);
  } finally {
    client.close();
    await sidecar.stop();
  }
}

/** A digest of the runs that each request executes, in order. */
async function pathsOf(file: string, spans: RequestSpan[]): Promise<string[]> {
  const hashes = spans.map(() => createHash('sha256'));
  for await (const { ids, from, to, request } of byRequest(openTrace(file), spans)) hashes[request]?.update(ids.slice(from, to));
  return hashes.map((hash) => hash.digest('hex'));
}

it('is possible here, with a version', async () => {
  expect(await probeValgrindTrace()).toMatchObject({ available: true, version: expect.stringMatching(/^\d+ \/ valgrind-/) as string });
});

// A request through TCP is so short that timers of the worker count among few.
describe.each([['http', 20], ['tcp', 200]])('a trace of %s under Valgrind, %i requests', (id, requests) => {
  let file: string;
  let totals: ValgrindTraceTotals;
  let spans: RequestSpan[];
  let counted: number;
  beforeAll(async () => {
    file = path.join(newDir(), 'trace');
    ({ totals } = await withSidecar(id, await valgrindTraceWrap(), async (sidecar, client) => {
      const recorded = await recordValgrindTrace(sidecar, { file, cpus: cpus.others, body: () => client.send(requests) });
      await client.send(connections);
      expect(await sidecar.ending()).toBeNull();
      return recorded;
    }));
    spans = await findRequests(openTrace(file));
    const dir = newDir();
    // With the same clock: else timers come due that the trace has not.
    await withSidecar(id, [...await slowClockWrap(), ...await instructionWrap(envoy.path, dir)], (sidecar, client) =>
      instructionRegions.record(sidecar, dir, () => client.send(requests), cpus.others));
    counted = instructionRegions.read(dir).instructions;
  }, 280_000);

  it('reads back as the requests that were sent, one by one, over all connections', () => {
    expect(spans).toHaveLength(requests);
    expect(spans.filter((span) => span.requests !== 1 || !span.isWhole)).toEqual([]);
    expect(new Set(spans.map(({ descriptor }) => descriptor)).size).toBe(connections);
  });

  it('has nearly all its instructions in requests, no two of which execute the same', async () => {
    expect(spans.reduce((sum, { instructions }) => sum + instructions, 0) / totals.instructions).toBeGreaterThan(0.95);
    if (id === 'http') expect(new Set(await pathsOf(file, spans)).size).toBe(requests);
  });

  it('counts the same instructions as the regions tool', () => {
    expect(totals.instructions / counted).toBeGreaterThan(0.99);
    expect(totals.instructions / counted).toBeLessThan(1.01);
  });

  it('executes nothing outside the mapped code it names, Envoy itself by its build id', async () => {
    const trace = openTrace(file);
    expect(trace.header.code.find(({ object }) => object === 'envoy')).toMatchObject({ buildId: envoy.buildId });
    const outside = new Set<number>();
    for await (const { ids, length } of trace.chunks()) {
      for (const run of new Set(ids.subarray(0, length))) {
        const [start, bytes] = [trace.runs.address[run], trace.runs.bytes[run]];
        if (!trace.header.code.some((code) => start >= code.start && start + bytes <= code.end)) outside.add(start);
      }
    }
    expect([...outside]).toEqual([]);
  });

  it('leaves nothing but its file', () => {
    expect(fs.readdirSync(path.dirname(file))).toEqual([path.basename(file)]);
    expect(totals.fileBytes).toBe(fs.statSync(file).size);
    expect(totals.fileBytes / totals.instructions).toBeLessThan(0.1);
  });
});

describe('a recording that cannot be', () => {
  it('ends with one error and leaves nothing when Envoy is killed meanwhile', async () => {
    const dir = newDir();
    await withSidecar('http', await valgrindTraceWrap(), async (sidecar, client) => {
      const body = async () => {
        await client.send(20);
        process.kill(sidecar.pid, 'SIGKILL');
        await client.send(1);
      };
      await expect(recordValgrindTrace(sidecar, { file: path.join(dir, 'trace'), cpus: cpus.others, body }))
        .rejects.toThrow(new RegExp(`^Envoy \\(process ${sidecar.pid}\\) died while it was traced: killed by SIGKILL`));
    });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('passes on what went wrong in the body, and the next one is whole', async () => {
    const dir = newDir();
    const file = path.join(dir, 'trace');
    await withSidecar('http', await valgrindTraceWrap(), async (sidecar, client) => {
      const failing = async () => {
        await client.send(1);
        throw new Error('the load failed');
      };
      await expect(recordValgrindTrace(sidecar, { file, cpus: cpus.others, body: failing })).rejects.toThrow('the load failed');
      expect(fs.readdirSync(dir)).toEqual([]);
      await recordValgrindTrace(sidecar, { file, cpus: cpus.others, body: () => client.send(3) });
      expect(await findRequests(openTrace(file))).toHaveLength(3);
    });
  });

  it('says so when no client is connected', async () => {
    const sidecar = await startSidecar(policyById('http'), { envoy, upstream: echo.address, cpus });
    try {
      await expect(recordValgrindTrace(sidecar, { file: path.join(newDir(), 'trace'), cpus: cpus.others, body: async () => undefined }))
        .rejects.toThrow(/^no client is connected to 127/);
    } finally {
      await sidecar.stop();
    }
  });

  it('says so when Envoy does not run under the tool', async () => {
    const dir = newDir();
    await withSidecar('http', undefined, async (sidecar, client) => {
      await expect(recordValgrindTrace(sidecar, { file: path.join(dir, 'trace'), cpus: cpus.others, body: () => client.send(1) }))
        .rejects.toThrow(/the instruction tracer in process \d+ refused "on".*started under valgrindTraceWrap/);
      expect(await sidecar.ending()).toBeNull();
    });
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});
