/** An application by manifests as authors publish them, on a real cluster, and what a cluster refuses, in its own words. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { CoreV1Api, type KubernetesObject, type V1Deployment } from '@kubernetes/client-node';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { buildCluster } from '../../environment/cluster/build.mjs';
import { graphById } from '../../lib/apps/graph-file.js';
import type { ApplicationSpec, DeployedApplication, MeshProfile } from '../../lib/deploy/application.js';
import { whyNoNodes } from '../../lib/deploy/cluster/availability.js';
import { startCluster, type Cluster } from '../../lib/deploy/cluster/cluster.js';
import { imageRegistry } from '../../lib/deploy/cluster/images.js';
import { provideImage } from '../../lib/deploy/cluster/provide-image.js';
import { describeOnKubernetes, dryRun, startOnKubernetes } from '../../lib/deploy/kubernetes/application.js';
import { KubernetesClient } from '../../lib/deploy/kubernetes/client.js';
import { agentImage } from '../../lib/deploy/kubernetes/agent/image.js';
import { emulatorImage } from '../../lib/deploy/kubernetes/emulator-image.js';
import { managedBy } from '../../lib/deploy/kubernetes/manifests.js';

const reason = await whyNoNodes();
const graph = graphById('two-tier');

describe.skipIf(reason)(`published manifests on a cluster of this machine${reason ? ` (not here: ${reason})` : ''}`, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'manifests-'));
  let cluster: Cluster;
  let emulated: V1Deployment[];
  let agent: string;
  const options = () => ({ kubeconfig: cluster.kubeconfig });
  const client = () => KubernetesClient.fromFile(cluster.kubeconfig);
  const namespaces = async () => client().list({ apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', labels: managedBy });
  /** The application whose manifests are these. */
  const specOf = (objects: object[], profile: MeshProfile = 'none', more: Partial<ApplicationSpec> = {}): ApplicationSpec => {
    const manifests = path.join(fs.mkdtempSync(path.join(folder, 'app-')), 'shop.yaml');
    fs.writeFileSync(manifests, objects.map((object) => stringify(object, { version: '1.1' })).join('---\n'));
    return { graph, profile, nodes: 1, manifests, ...more };
  };
  const refusal = (objects: object[], profile: MeshProfile = 'none') => startOnKubernetes(specOf(objects, profile), options());

  beforeAll(async () => {
    await buildCluster({ keepGoCaches: true });
    cluster = await startCluster({ nodes: 1, log: console.log });
    const emulator = await emulatorImage([graph], imageRegistry);
    const ofAgent = await agentImage(imageRegistry);
    await provideImage('emulator', emulator);
    await provideImage('agent', ofAgent);
    agent = ofAgent.name;
    const objects = await dryRun({ graph, profile: 'none', nodes: 1 }, { ...options(), image: emulator.name });
    emulated = objects.filter(({ kind }) => kind === 'Deployment') as V1Deployment[];
  });

  afterAll(async () => {
    await cluster?.stop();
    fs.rmSync(folder, { recursive: true });
  });

  describe('an application', () => {
    let spec: ApplicationSpec;
    let application: DeployedApplication;
    beforeAll(async () => {
      spec = specOf(published(emulated), 'demo', { mtls: true });
      application = await startOnKubernetes(spec, { ...options(), agentImage: agent });
    });
    afterAll(async () => {
      await application?.stop();
    });

    it('has its pods by their names, those of two versions too, and what it publishes besides', async () => {
      expect(application.pods.map(({ service }) => service).sort()).toEqual(['cache', 'prices', 'shop', 'stock-v1', 'stock-v2']);
      const [{ metadata }] = await namespaces();
      const settings = await client().read<KubernetesObject>({ apiVersion: 'networking.istio.io/v1beta1', kind: 'Gateway', metadata: { name: 'gate', namespace: metadata!.name! } });
      expect(settings?.metadata?.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'sidecar-workbench' });
    });

    it('answers at its entry, each call through the sidecars of both sides', async () => {
      const counted = async () => {
        const counts = await application.countRequests();
        return Object.fromEntries(application.pods.map(({ service }, i) => [service, counts[i]!.inbound]));
      };
      const before = await counted();
      for (let i = 0; i < 20; i++) expect(await ask(application)).toEqual({ status: 200, bytes: 2000 });
      const after = await counted();
      const served = (...services: string[]) => services.reduce((sum, service) => sum + after[service] - before[service], 0);
      expect([served('shop'), served('stock-v1', 'stock-v2'), served('prices')]).toEqual([20, 20, 40]);
    });

    it('has one worker a sidecar, and CPU time in the accounts', async () => {
      const before = await application.readCpu();
      for (let i = 0; i < 100; i++) await ask(application);
      const after = await application.readCpu();
      for (const service of ['shop', 'prices', 'cache']) {
        const [was, is] = [before, after].map((readings) => readings.find((each) => each.service === service)!);
        expect([service, is.app.runNs > was.app.runNs, is.worker!.runNs > was.worker!.runNs]).toEqual([service, true, true]);
      }
      for (const { sidecar } of application.pods) expect(await sidecar!.stats()).toMatchObject({ 'server.concurrency': 1 });
      expect(await application.ending()).toBeNull();
    });

    it('is described, before it is up, as it then is, and not as the emulator', async () => {
      const { normalised, backend } = await describeOnKubernetes(spec, options());
      expect(normalised).toBe(application.normalised);
      expect([backend, application.backend].map(({ name }) => name)).toEqual(['upstream', 'upstream']);
      const { image } = emulated[0].spec!.template.spec!.containers[0];
      expect((await describeOnKubernetes({ ...spec, manifests: undefined }, { ...options(), image })).normalised).not.toBe(normalised);
    });

    it('leaves nothing on the cluster', async () => {
      await application.stop();
      expect(await namespaces()).toEqual([]);
      expect(await client().list({ apiVersion: 'v1', kind: 'PersistentVolume', plural: 'persistentvolumes' })).toEqual([]);
    });
  });

  it('are not applied in part where they would reach beyond the namespace, or the cluster lacks a kind', async () => {
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'everywhere' } };
    await expect(refusal([...published(emulated), role])).rejects.toThrow('the manifests have a ClusterRole everywhere (rbac.authorization.k8s.io/v1), which belongs to the whole cluster');
    const gateway = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'gate' } };
    await expect(refusal([...published(emulated), gateway])).rejects.toThrow(/404 page not found; the cluster does not know that kind of object/);
    const wrong = { apiVersion: 'networking.istio.io/v1beta1', kind: 'Gate', metadata: { name: 'gate' } };
    await expect(refusal([...published(emulated), wrong])).rejects.toThrow(/cannot apply Gate gate \(networking\.istio\.io\/v1beta1\): the cluster does not know that kind of object: install Istio, or a newer one/);
    expect(await namespaces()).toEqual([]);
  });

  it('are refused with the name of an image that the nodes cannot pull', async () => {
    const objects = published(emulated, { image: `${imageRegistry}/examples-bookinfo-details-v1:1.20.1` });
    await expect(refusal(objects)).rejects.toThrow(/^the image sidecar-workbench\.local\/examples-bookinfo-details-v1:1\.20\.1 of [\w-]+ cannot be had .*let the nodes reach its registry/);
    expect(await namespaces()).toEqual([]);
  });

  it('are refused where no node has the room, or the labels, that a pod asks for', async () => {
    await expect(refusal(published(emulated, { resources: { requests: { cpu: '500' } } }))).rejects.toThrow(/^no node takes the pod of [\w-]+: 0\/1 nodes are available: 1 Insufficient cpu.*; use larger nodes or more of them/);
    await expect(refusal(published(emulated, {}, { nodeSelector: { disk: 'fast' } }))).rejects.toThrow(/node\(s\) didn't match Pod's node affinity\/selector.*; see its nodeSelector/);
    expect(await namespaces()).toEqual([]);
  });

  it('are refused where a pod wants no sidecar though the profile has one', async () => {
    await expect(refusal(published(emulated, {}, {}, { 'sidecar.istio.io/inject': 'false' }), 'default')).rejects.toThrow(/^the pod of [\w-]+ wants no sidecar/);
  });

  it('are refused where the user is not known, or has no right', async () => {
    const as = (token: string) => {
      const config = parse(fs.readFileSync(cluster.kubeconfig, 'utf8')) as { users: { user: object }[] };
      const kubeconfig = path.join(folder, 'other.kubeconfig');
      fs.writeFileSync(kubeconfig, stringify({ ...config, users: config.users.map((each) => ({ ...each, user: { token } })) }));
      return startOnKubernetes(specOf(published(emulated)), { kubeconfig });
    };
    await expect(as('nonsense')).rejects.toThrow(/^cannot ask for the version: the API server does not know the kubeconfig's user \(.*401.*\); renew its credentials$/);
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } };
    const { status } = await client().config.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({ name: 'default', namespace: 'default', body });
    await expect(as(status!.token)).rejects.toThrow(/^cannot list nodes: nodes is forbidden: User "system:serviceaccount:default:default" cannot list resource "nodes" .*; give the kubeconfig's user that right/);
  });

  it('are refused where no webhook injects sidecars', async () => {
    const hooks = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' };
    for (const { metadata } of await client().list({ ...hooks, plural: 'mutatingwebhookconfigurations' })) await client().delete({ ...hooks, metadata });
    await expect(refusal(published(emulated), 'default')).rejects.toThrow('the cluster has no webhook that injects sidecars; install Istio (istioctl install --set profile=default), or choose the profile none');
  });
});

/**
 * Manifests in the manner of the three applications: accounts behind the pods that use them, two versions behind one Service, a
 * load balancer at the front, a volume that outlives the pods, a gateway of Istio's, and what only the server writes.
 * @param more what else each container has.
 * @param pod what else each pod has.
 */
function published(emulated: V1Deployment[], more: object = {}, pod: object = {}, annotations: Record<string, string> = {}): object[] {
  const deployment = ({ metadata, spec }: V1Deployment, version: string) => {
    const labels = { app: metadata!.name!, version };
    const [{ image, command, env, ports, lifecycle }] = spec!.template.spec!.containers;
    const [{ containerPort: port }] = ports!;
    const stored = metadata!.name === 'cache';
    const containers = [{
      name: 'server', image, command, env, ports, lifecycle, readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
      ...(stored && { volumeMounts: [{ name: 'data', mountPath: '/data' }] }), ...more,
    }];
    const volumes = stored ? [{ name: 'data', persistentVolumeClaim: { claimName: 'cache-pvc' } }] : [];
    return {
      apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: `${labels.app}-${version}`, creationTimestamp: null, labels },
      spec: { selector: { matchLabels: labels }, strategy: {}, template: { metadata: { labels, annotations }, spec: { serviceAccountName: 'clerk', containers, volumes, ...pod } } }, status: {},
    };
  };
  const service = (name: string, app: string, port: object, type?: string) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { type, selector: { app }, ports: [port] } });
  const storage = { storageClassName: 'cache-storage', accessModes: ['ReadWriteOnce'] };
  return [
    ...emulated.map((each) => deployment(each, 'v1')),
    ...emulated.filter(({ metadata }) => metadata?.name === 'stock').map((each) => deployment(each, 'v2')),
    ...graph.services.map(({ name, portName, port }) => service(name, name, { name: portName, port })),
    service('shop-external', 'shop', { name: 'http', port: 80, targetPort: 8080 }, 'LoadBalancer'),
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'cache-pv' }, spec: { ...storage, capacity: { storage: '1Gi' }, hostPath: { path: '/data/volumes/cache', type: 'DirectoryOrCreate' } } },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'cache-pvc' }, spec: { ...storage, resources: { requests: { storage: '1Gi' } } } },
    { apiVersion: 'networking.istio.io/v1beta1', kind: 'Gateway', metadata: { name: 'gate' }, spec: { selector: { istio: 'ingressgateway' }, servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }] } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'clerk', labels: { account: 'clerk' } } },
  ];
}

async function ask({ target, path: asked }: DeployedApplication): Promise<{ status: number; bytes: number }> {
  const { statusCode, body } = await request(`http://${target.address.host}:${target.address.port}${asked}`);
  return { status: statusCode, bytes: (await body.arrayBuffer()).byteLength };
}
