/** Single sidecars as pods, on the real cluster of this machine: the same runs as those of processes. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCluster } from '../../environment/cluster/build.mjs';
import { perfRecord } from '../../lib/counters/perf-record.js';
import { strace } from '../../lib/counters/strace.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { whyNoNodes } from '../../lib/deploy/cluster/availability.js';
import { startCluster, type Cluster } from '../../lib/deploy/cluster/cluster.js';
import { findEnvoy } from '../../lib/deploy/envoy-binary.js';
import { KubernetesClient } from '../../lib/deploy/kubernetes/client.js';
import { sidecarPodsOn } from '../../lib/deploy/kubernetes/engine.js';
import { managedBy } from '../../lib/deploy/kubernetes/manifests.js';
import type { UserConfig } from '../../lib/deploy/types.js';
import { readJson } from '../../lib/experiments/capacity-data.js';
import { carryOut } from '../../lib/experiments/campaign.js';
import type { CpuWindow } from '../../lib/experiments/measure.js';
import type { CollectorName, Plan } from '../../lib/experiments/plan.js';
import { podNotes, wasPod } from '../../lib/experiments/pods.js';
import type { LoadOutcome } from '../../lib/load/types.js';
import { RunStore } from '../../lib/store/run-store.js';

const reason = await whyNoNodes();

describe.skipIf(reason)(`single sidecars on a cluster of this machine${reason ? ` (not here: ${reason})` : ''}`, () => {
  let cluster: Cluster;
  let root: string;
  const pods = (loadFrom?: 'cluster') => sidecarPodsOn({ kubeconfig: cluster.kubeconfig, loadFrom });
  const store = () => new RunStore('here', root);
  const namespaces = async () => KubernetesClient.fromFile(cluster.kubeconfig).list({ apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', labels: managedBy });
  const plan = (policies: string[], collector: CollectorName = 'cpu-time'): Plan => ({
    experiment: 'components',
    runs: policies.map((id) => ({ experiment: 'components', config: policyById(id), collector, repeat: 0, load: { mode: 'closed', connections: 8, path: '/100', warmUpS: 0.3, durationS: 1 } })),
  });

  beforeAll(async () => {
    await buildCluster({ keepGoCaches: true });
    cluster = await startCluster({ log: console.log });
    root = fs.mkdtempSync(`${os.tmpdir()}/pods-test-`);
  });
  afterAll(async () => {
    await cluster?.stop();
    fs.rmSync(root, { recursive: true, force: true });
  });

  it('measures the same raw runs as of processes, with TLS and an access log too, and leaves nothing on the cluster', async () => {
    const { measured, failed } = await carryOut(plan(['http', 'tcp', 'tls', 'logging']), { store: store(), pods: pods() });
    expect(failed).toEqual([]);
    expect(measured.map(({ policy }) => policy.id)).toEqual(['http', 'tcp', 'tls', 'logging']);
    for (const run of measured) {
      const cpu = readJson<CpuWindow>(run, 'cpu.json');
      const { errors, requests } = readJson<LoadOutcome>(run, 'load.json');
      expect([run.policy.id, errors, requests > 100, wasPod(run)]).toEqual([run.policy.id, 0, true, true]);
      // A worker alone on its core that is kept busy: what it used is Envoy's, and no more than time passed.
      expect(cpu.worker.runNs).toBeGreaterThan(0);
      expect(cpu.worker.runNs).toBeLessThanOrEqual(cpu.sidecar.runNs);
      expect(cpu.backend.runNs).toBeGreaterThan(0);
      expect(run.provenance.coreClockHz?.every((hz) => hz > 1e8)).toBe(true);
    }
    expect(podNotes(measured)).toEqual([expect.stringMatching(/pod of Kubernetes v1\.28\.\d+ .*load came from the machine that the workbench ran on/)]);
    expect(await namespaces()).toEqual([]);
  });

  it('takes load from a pod of the same node, by other runs than those with load from here', async () => {
    const { measured, recorded, failed } = await carryOut(plan(['http']), { store: store(), pods: pods('cluster') });
    expect({ failed, recorded }).toEqual({ failed: [], recorded: [] });
    expect(measured[0].spec.carrier?.loadFrom).toBe('cluster');
    expect(readJson<LoadOutcome>(measured[0], 'load.json')).toMatchObject({ errors: 0 });
  });

  it('counts the system calls of the worker by an agent on its node', async () => {
    const { measured, failed } = await carryOut(plan(['http'], 'strace'), { store: store(), pods: pods() });
    expect(failed).toEqual([]);
    expect(strace.read(measured[0].dir).calls.length).toBeGreaterThan(100);
  });

  it('samples the stacks of the worker, kernel included, and knows the program by its build id', async () => {
    const { measured, failed } = await carryOut(plan(['http'], 'perf-record'), { store: store(), pods: pods() });
    expect(failed).toEqual([]);
    const { stacks, binary } = perfRecord.read(measured[0].dir);
    expect(binary.buildId).toBe(measured[0].spec.envoyBuildId);
    expect(stacks.length).toBeGreaterThan(50);
  });

  it('does not try what only a process of this machine can have, and says why', async () => {
    const { unavailable, measured } = await carryOut(plan(['http'], 'instructions'), { store: store(), pods: pods() });
    expect(measured).toEqual([]);
    expect(unavailable).toEqual([expect.objectContaining({ what: 'with instructions', reason: expect.stringMatching(/^not as a pod/) })]);
  });

  it('tells Envoy\'s own words when it does not take a configuration', async () => {
    const yaml = [
      'static_resources:', '  listeners:', '  - name: main', '    address: { socket_address: { address: 127.0.0.1, port_value: 1 } }',
      '    filter_chains: [{ filters: [{ name: nothing, typed_config: { "@type": type.googleapis.com/no.such.Filter } }] }]',
      '  clusters: [{ name: backend, type: STATIC, load_assignment: { cluster_name: backend, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 2 } } } }] }] } }]',
    ].join('\n');
    const broken: UserConfig = { frame: 'user', id: 'broken', label: 'Broken', yaml, clusters: ['backend'] };
    const host = await pods().open(await findEnvoy());
    try {
      await expect(host.deploy(broken)).rejects.toThrow(/container envoy of sidecar ended with 1; Envoy's last words: .*no\.such\.Filter/);
    } finally {
      await host.close();
    }
    expect(await namespaces()).toEqual([]);
  });
});
