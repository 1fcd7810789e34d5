import type { KubernetesObject, V1Deployment, V1Service } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { graphById } from '../../../../lib/apps/graph-file.js';
import type { MeshProfile } from '../../../../lib/deploy/application.js';
import { parseManifests } from '../../../../lib/deploy/kubernetes/manifest-files.js';
import { upstreamObjects, upstreamOf, upstreamVersion } from '../../../../lib/deploy/kubernetes/upstream.js';

const asked = graphById('two-tier');

const deployment = (name: string, labels: Record<string, string>, pod: object = {}, more: object = {}): KubernetesObject => {
  const template = { metadata: { labels }, spec: { containers: [{ name: `${name}-server`, image: `registry.example/${name}:1`, ports: [{ containerPort: 9000 }] }], ...pod } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { selector: { matchLabels: labels }, template, ...more } } as KubernetesObject;
};
const service = (name: string, selector: Record<string, string>, more: object = {}): KubernetesObject => (
  { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector, ports: [{ name: 'http', port: 80, targetPort: 9000, nodePort: 32080 }], ...more } } as KubernetesObject);
const shop = [deployment('shop', { app: 'shop' }), service('shop', { app: 'shop' })];

/** As applied to two nodes. */
const applied = (objects: KubernetesObject[], profile: MeshProfile = 'none') => {
  const upstream = upstreamOf(objects, asked);
  const nodes = Object.fromEntries(upstream.deployments.map(({ service: name }, i) => [name, `node${1 + (i % 2)}`]));
  return upstreamObjects(upstream, { graph: upstream.graph, profile, nodes: 2, manifests: 'shop.yaml' }, nodes, { namespace: 'bench', owner: 'me' });
};
const find = <T extends KubernetesObject>(objects: KubernetesObject[], kind: string, name: string) => objects.find((object) => object.kind === kind && object.metadata?.name === name) as T;
const podOf = (objects: KubernetesObject[], name: string) => find<V1Deployment>(objects, 'Deployment', name).spec!.template;

describe('upstreamOf', () => {
  const names = (objects: KubernetesObject[]) => upstreamOf(objects, asked).graph.services.map(({ name }) => name);

  it('names pods by their label, and by their Deployments where several versions share one', () => {
    expect(names([...shop, deployment('prices-v1', { app: 'prices', version: 'v1' }), ...['v1', 'v2'].map((version) => deployment(`stock-${version}`, { app: 'stock', version }))]))
      .toEqual(['shop', 'prices', 'stock-v1', 'stock-v2']);
  });
  it('knows the label of Kompose, and does without any', () => {
    expect(names([...shop, deployment('cache-7', { 'io.kompose.service': 'cache' }), deployment('bare', { tier: 'back' })])).toEqual(['shop', 'cache', 'bare']);
  });
  it("calls the front as the graph does, and knows where it listens, by number or by the port's name", () => {
    const front = [deployment('web', { app: 'web' }), service('shop', { app: 'web' })];
    expect(upstreamOf(front, asked).graph.services).toMatchObject([{ name: 'shop', port: 80, targetPort: 9000, operations: { shelf: { path: '/shelf' } } }]);
    const pod = { containers: [{ name: 'x', image: 'i', ports: [{ name: 'web', containerPort: 9001 }] }] };
    const byName = [deployment('shop', { app: 'shop' }, pod), service('shop', { app: 'shop' }, { ports: [{ port: 80, targetPort: 'web' }] })];
    expect(upstreamOf(byName, asked).graph.services[0].targetPort).toBe(9001);
  });
  it('says of a pod that no Service leads to that it may send load of its own', () => {
    expect(upstreamOf(shop, asked).notes).toEqual([]);
    expect(upstreamOf([...shop, deployment('loadgenerator', { app: 'loadgenerator' })], asked).notes).toEqual([expect.stringMatching(/^the manifests start loadgenerator, which no Service leads to/)]);
  });
  it('is another backend than the emulator, told by its images', () => {
    expect(upstreamVersion(upstreamOf([...shop, deployment('a', { app: 'a' })], asked))).toEqual({ name: 'upstream', version: 'registry.example/a:1, registry.example/shop:1' });
  });

  describe('refuses in one line', () => {
    const refusal = (objects: KubernetesObject[]) => () => upstreamOf(objects, asked);
    it('manifests in which the entry is not one pod', () => {
      expect(refusal([service('front', { app: 'shop' })])).toThrow("the manifests have no Service 'shop', where requests for two-tier begin; they have front");
      expect(refusal([service('shop', { app: 'nobody' }), deployment('shop', { app: 'shop' })])).toThrow(/the Service shop, .* leads to 0 Deployments of the manifests; leave one/);
      expect(refusal([...shop, deployment('shop-v2', { app: 'shop', version: 'v2' })])).toThrow(/leads to 2 Deployments/);
    });
    it('pods that could not be counted or accounted for', () => {
      expect(refusal([...shop, deployment('many', { app: 'many' }, {}, { replicas: 3 })])).toThrow('the Deployment many asks for 3 pods, the workbench accounts for one a service; set replicas to 1');
      expect(refusal([...shop, deployment('pair', { app: 'pair' }, { containers: [{ name: 'a' }, { name: 'b' }] })])).toThrow(/the pod of the Deployment pair has 2 containers/);
      expect(refusal([...shop, { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'store' } }])).toThrow('the manifests have a StatefulSet (store), the workbench counts pods of Deployments');
    });
  });
});

describe('upstreamObjects', () => {
  it('puts everything into the namespace, labelled, and pods last: accounts may stand behind them in the file', () => {
    const objects = applied([...shop, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'clerk', namespace: 'default' } }, { apiVersion: 'networking.istio.io/v1', kind: 'Gateway', metadata: { name: 'gate' } }]);
    expect(objects.map(({ kind }) => kind)).toEqual(['Service', 'ServiceAccount', 'Gateway', 'Deployment']);
    for (const { metadata } of objects) expect(metadata).toMatchObject({ namespace: 'bench', labels: { 'app.kubernetes.io/managed-by': 'sidecar-workbench', 'sidecar-workbench/owner': 'me' } });
  });
  it("labels pods besides their own labels, by which Services and Deployments find them, and puts them on their nodes", () => {
    const objects = applied([...shop, deployment('prices-v1', { app: 'prices', version: 'v1' }, { nodeSelector: { disk: 'fast' } })]);
    const pod = podOf(objects, 'prices-v1');
    expect(pod.metadata?.labels).toEqual({ app: 'prices', version: 'v1', 'app.kubernetes.io/managed-by': 'sidecar-workbench', 'sidecar-workbench/owner': 'me', 'sidecar-workbench/service': 'prices' });
    expect(find<V1Deployment>(objects, 'Deployment', 'prices-v1').spec?.selector).toEqual({ matchLabels: { app: 'prices', version: 'v1' } });
    expect(pod.spec?.nodeSelector).toEqual({ disk: 'fast', 'kubernetes.io/hostname': 'node2' });
    expect(podOf(objects, 'shop').spec?.nodeSelector).toEqual({ 'kubernetes.io/hostname': 'node1' });
  });
  it('leaves the program as published', () => {
    expect(podOf(applied(shop), 'shop').spec?.containers).toEqual([{ name: 'shop-server', image: 'registry.example/shop:1', ports: [{ containerPort: 9000 }] }]);
  });
  it("sets one sidecar worker as the profile has it, and keeps the pod's own annotations and stats", () => {
    const [, front] = shop;
    const template = { metadata: { labels: { app: 'shop' }, annotations: { 'sidecar.istio.io/statsInclusionRegexps': 'http.*', by: 'authors' } }, spec: { containers: [{ name: 'x', image: 'i' }] } };
    const objects = [front, deployment('shop', { app: 'shop' }, {}, { template })];
    const annotations = podOf(applied(objects, 'demo'), 'shop').metadata!.annotations!;
    expect(JSON.parse(annotations['proxy.istio.io/config'])).toMatchObject({ concurrency: 1, tracing: { sampling: 100 } });
    expect(annotations.by).toBe('authors');
    expect(annotations['sidecar.istio.io/statsInclusionRegexps']).toMatch(/^http\.\*,http.*downstream_rq_total,tcp/);
    expect(podOf(applied(objects, 'none'), 'shop').metadata?.annotations).toEqual(template.metadata.annotations);
  });
  it("opens the front's Service on the nodes, takes nobody's port there and orders no load balancer", () => {
    const objects = applied([...shop, service('shop-external', { app: 'shop' }, { type: 'LoadBalancer' }), service('outside', {}, { type: 'ExternalName' })]);
    const spec = (name: string) => find<V1Service>(objects, 'Service', name).spec;
    expect(spec('shop')).toEqual({ type: 'NodePort', selector: { app: 'shop' }, ports: [{ name: 'http', port: 80, targetPort: 9000 }] });
    expect([spec('shop-external')?.type, spec('outside')?.type]).toEqual(['ClusterIP', 'ExternalName']);
  });
  it('gives pods a folder of their own in place of volumes that would keep data for the next run, and leaves other claims', () => {
    const storage = (kind: string, name: string, storageClassName: string) => ({ apiVersion: 'v1', kind, metadata: { name }, spec: { storageClassName } }) as KubernetesObject;
    const volumes = ['geo', 'other', 'tmp'].map((name) => (name === 'tmp' ? { name, emptyDir: { medium: 'Memory' } } : { name, persistentVolumeClaim: { claimName: `${name}-pvc` } }));
    const objects = applied([...shop, storage('PersistentVolume', 'geo-pv', 'geo-storage'), storage('PersistentVolumeClaim', 'geo-pvc', 'geo-storage'),
      storage('PersistentVolumeClaim', 'other-pvc', 'standard'), deployment('mongodb-geo', { app: 'mongodb-geo' }, { volumes })]);
    expect(objects.filter(({ kind }) => kind?.startsWith('Persistent')).map(({ metadata }) => metadata?.name)).toEqual(['other-pvc']);
    expect(podOf(objects, 'mongodb-geo').spec?.volumes).toEqual([{ name: 'geo', emptyDir: {} }, volumes[1], volumes[2]]);
  });
  it('drops what only the server writes, which tools leave in files', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata:\n  creationTimestamp: null\n  name: geo\nspec: {selector: {app: geo}}\nstatus:\n  loadBalancer: {}\n';
    const geo = find(applied([...shop, ...parseManifests(text, 'geo.yaml')]), 'Service', 'geo');
    expect(Object.keys(geo)).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
    expect(Object.keys(geo.metadata!)).toEqual(['name', 'namespace', 'labels']);
  });
});
