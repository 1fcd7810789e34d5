import { describe, expect, it } from 'vitest';
import type { ApplicationSpec, MeshProfile } from '../../../../lib/deploy/application.js';
import { graphById } from '../../../../lib/apps/graph-file.js';
import { deploymentObject, frameObjects, serviceObject, type IstioObject, type PodPlan } from '../../../../lib/deploy/kubernetes/manifests.js';

const graph = graphById('two-tier');
const frame = { namespace: 'bench', owner: 'me' };
const spec = (profile: MeshProfile, more: Partial<ApplicationSpec> = {}): ApplicationSpec => ({ graph, profile, nodes: 1, ...more });
const plan = (name: string): PodPlan => {
  const program = { name, argv: ['/bin/emulator', name], ready: 'listening' as const };
  const service = graph.services.find((candidate) => candidate.name === name)!;
  return { service, node: 'node1', programs: { serve: program, seed: name === 'cache' ? { ...program, argv: ['/bin/emulator', 'seed'] } : null } };
};
const byKind = (objects: { kind?: string }[], kind: string) => objects.find((object) => object.kind === kind) as IstioObject | undefined;

describe('frameObjects', () => {
  it('is a namespace alone without a mesh, out of reach of the injecting webhook', () => {
    const objects = frameObjects(spec('none'), frame);
    expect(objects.map(({ kind }) => kind)).toEqual(['Namespace']);
    expect(objects[0].metadata?.labels).toMatchObject({ 'istio-injection': 'disabled', 'app.kubernetes.io/managed-by': 'sidecar-workbench', 'sidecar-workbench/owner': 'me' });
  });
  it('logs every request under demo and none under default, whatever the mesh as a whole does', () => {
    expect(byKind(frameObjects(spec('demo'), frame), 'Telemetry')?.spec).toEqual({ accessLogging: [{ providers: [{ name: 'envoy' }] }] });
    expect(byKind(frameObjects(spec('default'), frame), 'Telemetry')?.spec).toEqual({ accessLogging: [{ disabled: true }] });
  });
  it('has TLS between sidecars only when asked to', () => {
    expect(byKind(frameObjects(spec('default'), frame), 'PeerAuthentication')?.spec).toEqual({ mtls: { mode: 'DISABLE' } });
    expect(byKind(frameObjects(spec('default', { mtls: true }), frame), 'PeerAuthentication')?.spec).toEqual({ mtls: { mode: 'STRICT' } });
  });
  it('adds a rule of access that lets everyone in, only when asked to', () => {
    expect(byKind(frameObjects(spec('default'), frame), 'AuthorizationPolicy')).toBeUndefined();
    expect(byKind(frameObjects(spec('default', { rbac: true }), frame), 'AuthorizationPolicy')?.spec).toEqual({ action: 'ALLOW', rules: [{}] });
  });
});

describe('deploymentObject', () => {
  it('puts the pod on its node and labels it', () => {
    const { metadata, spec: deployment } = deploymentObject(plan('stock'), spec('default'), frame, 'registry/emulator:1');
    expect(deployment?.template.spec?.nodeSelector).toEqual({ 'kubernetes.io/hostname': 'node1' });
    expect(metadata?.labels).toMatchObject({ app: 'stock', 'sidecar-workbench/owner': 'me' });
    expect(deployment?.template.spec?.containers[0]).toMatchObject({ image: 'registry/emulator:1', command: ['/bin/emulator', 'stock'] });
  });
  it('traces as many requests as the profile does', () => {
    const traced = (profile: MeshProfile) => deploymentObject(plan('stock'), spec(profile), frame, 'i').spec?.template.metadata?.annotations?.['proxy.istio.io/config'];
    const zipkin = { address: 'zipkin.istio-system:9411' }; // left out, Envoy would get no tracer and build no span
    expect(JSON.parse(traced('default')!)).toMatchObject({ tracing: { sampling: 1, zipkin } });
    expect(JSON.parse(traced('demo')!)).toMatchObject({ tracing: { sampling: 100, zipkin } });
    expect(traced('none')).toBeUndefined();
  });
  it('fills a store before its pod counts as ready', () => {
    const container = deploymentObject(plan('cache'), spec('none'), frame, 'i').spec?.template.spec?.containers[0];
    expect(container?.lifecycle?.postStart?.exec?.command).toEqual(['/bin/emulator', 'seed']);
  });
});

describe('serviceObject', () => {
  it('opens only the front to the outside, and tells the mesh the protocol by the name of the port', () => {
    expect(serviceObject(plan('shop'), spec('none'), frame).spec).toMatchObject({ type: 'NodePort', ports: [{ name: 'http', port: 8080, targetPort: 8080 }] });
    expect(serviceObject(plan('prices'), spec('none'), frame).spec).toMatchObject({ type: 'ClusterIP', ports: [{ name: 'grpc' }] });
  });
});
