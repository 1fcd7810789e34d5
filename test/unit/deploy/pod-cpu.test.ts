import { describe, expect, it } from 'vitest';
import { noTools, onThisMachine, type NodeTools, type ThreadName } from '../../../lib/counters/node-tools.js';
import type { DeployedPod } from '../../../lib/deploy/application.js';
import { readPodCpu } from '../../../lib/deploy/pod-cpu.js';

/** Tells pid times 10 plus tid as run time, and counts how often it was asked. */
function countingTools(): NodeTools & { asked: number } {
  const tools = {
    ...onThisMachine,
    asked: 0,
    readCpu: async (of: readonly ThreadName[]) => {
      tools.asked++;
      return of.map(({ pid, tid = 0 }) => ({ atUs: 1, runNs: pid * 10 + tid, waitNs: 0, timeslices: 1, userTicks: 0, kernelTicks: 0 }));
    },
  };
  return tools;
}

function pod(service: string, tools: NodeTools, servicePids: number[], envoy?: number): DeployedPod {
  const address = { host: '127.0.0.1', port: 1 };
  return { service, node: 0, address, tools, servicePids, sidecar: envoy === undefined ? null : { pid: envoy, workerTid: envoy + 1, admin: address, yaml: '', stats: async () => ({}) } };
}

describe('readPodCpu', () => {
  it('asks each node once, and gives every pod its own, whatever the order of nodes', async () => {
    const [one, two] = [countingTools(), countingTools()];
    const read = await readPodCpu([pod('a', one, [1]), pod('b', two, [2, 3], 4), pod('c', one, [5], 6)]);
    expect(read.map(({ service, app, sidecar, worker }) => [service, app.runNs, sidecar?.runNs, worker?.runNs])).toEqual([
      ['a', 10, undefined, undefined], ['b', 50, 40, 45], ['c', 50, 60, 67],
    ]);
    expect([one.asked, two.asked]).toEqual([1, 1]);
  });

  it('says why a node cannot be looked at', async () => {
    await expect(readPodCpu([pod('a', noTools('pods on node7 may not be privileged; allow it'), [1])])).rejects.toThrow('pods on node7 may not be privileged; allow it');
  });
});
