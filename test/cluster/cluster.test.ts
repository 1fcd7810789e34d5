/** The whole thing for real: Kubernetes and Istio on this machine, and applications on them through the one interface. */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildCluster } from '../../environment/cluster/build.mjs';
import { strace } from '../../lib/counters/strace.js';
import { writeNames } from '../../lib/counters/system-call.js';
import { loadApplication } from '../../lib/experiments/application-load.js';
import { allowedCpus } from '../../lib/host/cpus.js';
import { graphById } from '../../lib/apps/graph-file.js';
import { hopsOf } from '../../lib/apps/traversals.js';
import type { ApplicationSpec, DeployedApplication, MeshProfile } from '../../lib/deploy/application.js';
import { whyNoNodes } from '../../lib/deploy/cluster/availability.js';
import { startCluster, type Cluster } from '../../lib/deploy/cluster/cluster.js';
import { imageRegistry } from '../../lib/deploy/cluster/images.js';
import { currentOwner } from '../../lib/deploy/cluster/owner.js';
import { cgroupName, hostInterface, kubeconfigFile, statePath } from '../../lib/deploy/cluster/places.js';
import { proveInjection } from '../../lib/deploy/cluster/proof.js';
import { provideImage } from '../../lib/deploy/cluster/provide-image.js';
import { crossingsOf } from '../../lib/deploy/mesh/crossings.js';
import { dryRun, startOnKubernetes } from '../../lib/deploy/kubernetes/application.js';
import { KubernetesClient } from '../../lib/deploy/kubernetes/client.js';
import { agentImage } from '../../lib/deploy/kubernetes/agent/image.js';
import { emulatorImage } from '../../lib/deploy/kubernetes/emulator-image.js';
import { managedBy } from '../../lib/deploy/kubernetes/manifests.js';
import { projectPath, workbenchPath } from '../../lib/host/paths.js';
import { isAlive, startTicks } from '../../lib/host/process.js';

const reason = await whyNoNodes();
const graph = graphById('two-tier');
const spec = (profile: MeshProfile, more: Partial<ApplicationSpec> = {}): ApplicationSpec => ({ graph, profile, nodes: 1, ...more });

describe.skipIf(reason)(`a cluster on this machine${reason ? ` (not here: ${reason})` : ''}`, () => {
  let cluster: Cluster;
  let image: string;
  let agent: string;
  let dir: string;
  beforeEach(() => { dir = fs.mkdtempSync(`${os.tmpdir()}/cluster-test-`); });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));
  const options = () => ({ kubeconfig: cluster.kubeconfig, image, agentImage: agent });
  const namespaces = async () => KubernetesClient.fromFile(cluster.kubeconfig).list({ apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', labels: managedBy });

  beforeAll(async () => {
    await buildCluster({ keepGoCaches: true });
    cluster = await startCluster({ nodes: 2, log: console.log });
    const [emulator, ofAgent] = [await emulatorImage([graph], imageRegistry), await agentImage(imageRegistry)];
    await provideImage('emulator', emulator);
    await provideImage('agent', ofAgent);
    [image, agent] = [emulator.name, ofAgent.name];
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  it('answers through a sidecar that the webhook injected', async () => {
    const { status, server, containers } = await proveInjection(cluster.kubeconfig);
    expect({ status, server, containers }).toEqual({ status: 200, server: 'istio-envoy', containers: ['echo', 'istio-proxy'] });
  });

  it('refuses a second cluster while one is up, and does not harm it', async () => {
    await expect(startCluster()).rejects.toThrow(/a cluster is up since .* end it with: npm run cluster -- down/);
    expect(await cluster.ending()).toBeNull();
  });

  describe.each([['none', false], ['default', false], ['demo', true]] as const)('an application with profile %s', (profile, mtls) => {
    let application: DeployedApplication;
    beforeAll(async () => {
      application = await startOnKubernetes(spec(profile, { nodes: 2, mtls }), options());
    });
    afterAll(async () => {
      await application?.stop();
    });

    it('answers as its graph says, each call through the sidecars of both sides', async () => {
      const before = await countRequests(application);
      for (let i = 0; i < 20; i++) expect(await ask(application)).toEqual({ status: 200, bytes: 2000 });
      const after = await countRequests(application);
      if (profile === 'none') return expect(after).toEqual({});
      const served = (service: string) => after[service] - before[service];
      const calls = (service: string) => 20 * hopsOf(graph).filter(({ callee }) => callee === service).length;
      for (const service of ['shop', 'stock', 'prices']) expect([service, served(service)]).toEqual([service, calls(service)]);
    });

    it('spreads its pods over the nodes', () => {
      expect(new Set(application.pods.map(({ node }) => node))).toEqual(new Set([0, 1]));
    });

    it('accounts for the CPU time of every pod', async () => {
      const before = await application.readCpu();
      for (let i = 0; i < 100; i++) await ask(application);
      const after = await application.readCpu();
      after.forEach(({ service, app, sidecar, worker }, i) => {
        expect([service, app.runNs > before[i].app.runNs]).toEqual([service, true]);
        expect(sidecar === null).toBe(profile === 'none');
        if (sidecar && worker) expect(sidecar.runNs).toBeGreaterThanOrEqual(worker.runNs);
      });
    });

    it.runIf(profile === 'default')('agrees with the kubelet, which counts at least the time of Envoy for the container of the sidecar', async () => {
      const before = await application.readCpu();
      const told = await application.kubeletCpu!();
      const after = await application.readCpu();
      expect(told.map(({ service }) => service)).toEqual(after.map(({ service }) => service));
      after.forEach(({ service, sidecar }, i) => {
        // The container holds Istio's agent besides Envoy.
        expect([service, told[i].runNs > before[i].sidecar!.runNs]).toEqual([service, true]);
        expect(sidecar!.runNs).toBeGreaterThanOrEqual(before[i].sidecar!.runNs);
      });
    });

    it.runIf(profile === 'default')('has the system calls of a worker recorded on its node', async () => {
      const { tools, sidecar, service } = application.pods.find((pod) => pod.service === 'stock')!;
      const collected = { pid: sidecar!.pid, workerTid: sidecar!.workerTid, address: sidecar!.admin, envoy: { path: '', buildId: '' }, ending: application.ending };
      const body = async () => {
        for (let i = 0; i < 5; i++) await ask(application);
        await tools.untilWaiting(sidecar!.pid, sidecar!.workerTid);
        return 'what the body returns';
      };
      expect(await tools.record('strace', collected, dir, body, [])).toBe('what the body returns');
      const { calls } = strace.read(dir);
      expect([service, calls.filter(({ name }) => writeNames.has(name)).length]).toEqual([service, expect.any(Number)]);
      expect(calls.filter(({ name }) => writeNames.has(name)).length).toBeGreaterThanOrEqual(5 * 2);
    });

    it.runIf(profile === 'demo')('is loaded by a pod when asked to, and its log comes back', async () => {
      const inside = await startOnKubernetes(spec(profile, { nodes: 2, mtls }), { ...options(), loadFrom: 'cluster' });
      const { outcome, window } = await loadApplication(inside, { mode: 'closed', connections: 2, warmUpS: 0.5, durationS: 1, path: inside.path }, { dir, cpus: [] });
      expect(outcome).toMatchObject({ errors: 0, requests: expect.any(Number) });
      expect(window.requests).toBeGreaterThan(5);
      expect(window.generator.runNs).toBeGreaterThan(0);
      expect(inside.loadFrom).toBe('cluster');
    });

    it('does not change what a run key is made of from one deployment to the next', async () => {
      const again = await startOnKubernetes(spec(profile, { nodes: 2, mtls }), options());
      expect(again.normalised).toBe(application.normalised);
      expect(await again.ending()).toBeNull();
    });

    it('leaves nothing on the cluster', async () => {
      await application.stop();
      expect(await namespaces()).toEqual([]);
    });
  });

  it('has the kubelets\' accounts, and says why, where nodes cannot have the collectors', async () => {
    const application = await startOnKubernetes(spec('default'), { ...options(), agentImage: `${imageRegistry}/no-agent:1` });
    expect(application.notes!.join()).toMatch(/nothing looks at processes of node node1: the image sidecar-workbench\.local\/no-agent:1 of collector-node1 cannot be had/);
    await application.kubeletCpu!();
    for (const { service, app, sidecar } of await application.readCpu()) expect([service, app.runNs > 0, sidecar!.runNs > 0]).toEqual([service, true, true]);
    expect(await application.pods[0].tools.probe('strace')).toMatchObject({ available: false, reason: expect.stringMatching(/no-agent/) });
    await application.stop();
  });

  it('tells which pod was killed under load, and removes the rest', async () => {
    const application = await startOnKubernetes(spec('default'), options());
    const load = loadApplication(application, { mode: 'closed', connections: 2, warmUpS: 0.2, durationS: 3, path: application.path }, { dir, cpus: allowedCpus() });
    load.catch(() => undefined);
    await sleep(1_000);
    const client = KubernetesClient.fromFile(cluster.kubeconfig);
    const [pod] = await client.list<V1Pod>({ apiVersion: 'v1', kind: 'Pod', plural: 'pods', labels: `${managedBy},app=prices` });
    await client.delete({ apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata });
    await load.catch(() => undefined);
    expect(await application.ending()).toMatch(/^the pod of prices (was deleted|is gone)/);
    await application.stop();
    expect(await namespaces()).toEqual([]);
  });

  it('carries two applications of different owners at once, each with its own end', async () => {
    const [mine, theirs] = await Promise.all(['mine', 'theirs'].map((owner) => startOnKubernetes(spec('default'), { ...options(), owner })));
    expect(await namespaces()).toHaveLength(2);
    await mine.stop();
    expect((await ask(theirs)).status).toBe(200);
    expect(await theirs.ending()).toBeNull();
    await theirs.stop();
    expect(await namespaces()).toEqual([]);
  });

  it('prints in a dry run what it would apply, and applies nothing', async () => {
    const objects = await dryRun(spec('demo'), options());
    expect(objects.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata?.name)).toEqual(['shop', 'stock', 'prices', 'cache']);
    expect(await namespaces()).toEqual([]);
  });

  it('says which image the nodes cannot have, and takes everything down again', async () => {
    const nowhere = { ...options(), image: `${imageRegistry}/no-such-image:1` };
    await expect(startOnKubernetes(spec('none'), nowhere)).rejects.toThrow(/the image sidecar-workbench\.local\/no-such-image:1 of \w+ cannot be had .*push it to a registry/);
    expect(await namespaces()).toEqual([]);
  });

  it('says that the cluster has fewer nodes than asked for', async () => {
    await expect(startOnKubernetes(spec('none', { nodes: 3 }), options())).rejects.toThrow('the application wants 3 nodes, the cluster has 2 nodes');
  });

  it('says that a quota is in the way', async () => {
    const [{ metadata }] = await dryRun(spec('none'), options());
    const client = KubernetesClient.fromFile(cluster.kubeconfig);
    await client.apply([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: metadata!.name } },
      { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'small', namespace: metadata!.name }, spec: { hard: { pods: '2' } } } as KubernetesObject,
    ]);
    await expect(startOnKubernetes(spec('none'), options())).rejects.toThrow(/exceeded quota: small.*raise the quota/);
  });

  it('says that nobody answers where the kubeconfig points', async () => {
    const elsewhere = fs.readFileSync(kubeconfigFile(), 'utf8').replace(':6443', ':6444');
    const file = `${os.tmpdir()}/elsewhere-${process.pid}.kubeconfig`;
    fs.writeFileSync(file, elsewhere);
    await expect(startOnKubernetes(spec('none'), { ...options(), kubeconfig: file })).rejects.toThrow(/no Kubernetes API server at https:.*:6444: nothing listens there/);
    fs.rmSync(file);
  });

  it('goes on when the API server is restarted', async () => {
    const application = await startOnKubernetes(spec('default', { nodes: 2 }), options());
    await application.readCpu();
    await cluster.nodes[0].restart('kube-apiserver');
    expect((await ask(application)).status).toBe(200);
    const client = KubernetesClient.fromFile(cluster.kubeconfig);
    while (!await client.isReady()) await sleep(100);
    expect(await application.ending()).toBeNull();
    for (const { service, app } of await application.readCpu()) expect([service, app.runNs > 0]).toEqual([service, true]);
    await application.stop();
    expect(await namespaces()).toEqual([]);
  });

  it('leaves no process, interface, control group or file when it is stopped', async () => {
    const pids = cluster.nodes.map(({ pid }) => [pid, startTicks(pid)!] as const);
    await cluster.stop();
    expect(pids.filter(([pid, ticks]) => isAlive(pid, ticks))).toEqual([]);
    expect(os.networkInterfaces()[hostInterface]).toBeUndefined();
    expect(fs.readdirSync('/sys/fs/cgroup').filter((name) => fs.existsSync(`/sys/fs/cgroup/${name}/${cgroupName}`))).toEqual([]);
    expect(fs.existsSync(statePath())).toBe(false);
  });
});

describe.skipIf(reason)('a cluster whose process is killed', () => {
  it('takes its nodes with it, and the next one finds the way free', async () => {
    const file = workbenchPath(`cluster-${process.pid}.ts`);
    fs.writeFileSync(file, `import { startCluster } from '${projectPath('lib', 'deploy', 'cluster', 'cluster.ts')}';\nvoid startCluster();\n`);
    const child = spawn(process.execPath, ['--import', 'tsx', file], { cwd: projectPath(), stdio: 'inherit' });
    await until(() => fs.existsSync(statePath('node1', 'kubelet.log')));
    fs.rmSync(file);
    child.kill('SIGKILL');
    await until(() => currentOwner() === null && programsOfCluster().length === 0);
    const next = await startCluster();
    await next.stop();
    expect(programsOfCluster()).toEqual([]);
  });
});

/** Names of what runs on this machine that only a cluster has. */
function programsOfCluster(): string[] {
  const names = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    } catch {
      return ''; // gone meanwhile
    }
  });
  return names.filter((name) => /^(etcd|kube-apiserver|kubelet|kube-proxy|containerd|containerd-shim|pilot-discovery)$/.test(name));
}

async function ask({ target, path }: DeployedApplication): Promise<{ status: number; bytes: number }> {
  const { statusCode, body } = await request(`http://${target.address.host}:${target.address.port}${path}`);
  return { status: statusCode, bytes: (await body.arrayBuffer()).byteLength };
}

/** Requests that each sidecar let in. */
async function countRequests({ pods }: DeployedApplication): Promise<Record<string, number>> {
  const counted = await Promise.all(pods.map(async ({ service, sidecar }) => (
    sidecar ? [[service, crossingsOf(await sidecar.stats()).inboundRequests] as const] : [])));
  return Object.fromEntries(counted.flat());
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(50);
}
