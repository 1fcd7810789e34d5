import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { containerIds, describeWait, hasSidecar, isReady, serviceOfPod, whatEnded, whyNoPods, whyNoSidecar, whyPodFails } from '../../../../lib/deploy/kubernetes/pods.js';

const pod = (status: V1Pod['status'], spec?: Partial<V1Pod['spec']>): V1Pod => (
  { metadata: { name: 'ratings-5d', labels: { app: 'ratings' } }, status, spec: { containers: [], ...spec } });
const container = (status: Partial<V1ContainerStatus>): V1ContainerStatus => (
  { name: 'app', image: 'nowhere.example/emulator:1', imageID: '', ready: false, restartCount: 0, ...status });

// Messages as Kubernetes 1.28's scheduler, kubelet and API server wrote them.
const unschedulable = (message: string) => pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });
const waiting = (reason: string, message?: string, more: Partial<V1ContainerStatus> = {}) => pod({ containerStatuses: [container({ state: { waiting: { reason, message } }, ...more })] });

describe('whyPodFails', () => {
  it('passes on that no node has room', () => {
    const message = '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod..';
    expect(whyPodFails(unschedulable(message))).toBe(`no node takes the pod of ratings: ${message}; use larger nodes or more of them, or a profile that asks for less (demo)`);
  });
  it('does not speak of room where the pod asks for another node', () => {
    const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling..";
    expect(whyPodFails(unschedulable(message))).toMatch(/affinity\/selector\. .*; see its nodeSelector, affinity and tolerations, and: kubectl get nodes --show-labels$/);
    expect(whyPodFails(unschedulable('0/1 nodes are available: 1 node(s) had untolerated taint {gpu: true}. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling..'))).toMatch(/tolerations/);
  });
  it('waits for a volume, which may be on its way, and says so', () => {
    const waits = unschedulable('0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling..');
    expect(whyPodFails(waits)).toBeNull();
    expect(describeWait(waits)).toMatch(/^ratings is undefined \(0\/1 nodes are available: pod has unbound immediate PersistentVolumeClaims/);
  });
  it('names an image that cannot be pulled, why, and what to do', () => {
    const message = 'failed to pull and unpack image "nowhere.example/emulator:1": failed to resolve reference "nowhere.example/emulator:1": failed to do request: '
      + 'Head "https://nowhere.example/v2/emulator/manifests/1": dial tcp: lookup nowhere.example: Temporary failure in name resolution';
    expect(whyPodFails(waiting('ErrImagePull', message))).toBe(`the image nowhere.example/emulator:1 of ratings cannot be had (ErrImagePull: ${message}); `
      + 'let the nodes reach its registry, push it to a registry that they reach and give that name, or import it on every node');
    expect(whyPodFails(waiting('ImagePullBackOff', 'Back-off pulling image "nowhere.example/emulator:1"'))).toMatch(/cannot be had \(ImagePullBackOff: Back-off pulling image .*push it to a registry/);
  });
  it('tells other faults of an image: not on the node, no name at all', () => {
    expect(whyPodFails(waiting('ErrImageNeverPull', 'Container image "nowhere.example/emulator:1" is not present with pull policy of Never'))).toMatch(/ of ratings cannot be had .*; the node does not have it; import it there$/);
    expect(whyPodFails(waiting('InvalidImageName', 'Failed to apply default image tag "UPPER CASE": couldn\'t parse image name "UPPER CASE": invalid reference format: repository name must be lowercase')))
      .toMatch(/repository name must be lowercase\); give its name as registry\/name:tag$/);
  });
  it('passes on why a container cannot start', () => {
    expect(whyPodFails(waiting('CreateContainerConfigError', 'configmap "missing" not found'))).toBe('container app of ratings cannot start (CreateContainerConfigError: configmap "missing" not found); see: kubectl describe pod');
    expect(whyPodFails(waiting('RunContainerError', 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/nope": stat /nope: no such file or directory: unknown')))
      .toMatch(/stat \/nope: no such file or directory/);
  });
  it('looks at init containers too', () => {
    const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container=istio-init pod=ratings-5d' } };
    const lastState = { terminated: { exitCode: 255 } };
    expect(whyPodFails(pod({ initContainerStatuses: [container({ name: 'istio-init', restartCount: 1, state, lastState })] }))).toMatch(/container istio-init of ratings ended with 255 again and again/);
  });
  it('lets a container end as often as it may until what it needs is there', () => {
    const ended = (restartCount: number) => waiting('CrashLoopBackOff', undefined, { restartCount, lastState: { terminated: { exitCode: 1 } } });
    expect(whyPodFails(ended(4), 4)).toBeNull();
    expect(whyPodFails(ended(5), 4)).toMatch(/ended with 1 again and again/);
  });
  it('has nothing to say of a pod that is only slow', () => {
    expect(whyPodFails(waiting('PodInitializing'))).toBeNull();
  });
});

describe('whatEnded', () => {
  const running = (restartCount: number, uid = 'u1') => {
    const one = pod({ containerStatuses: [container({ restartCount, state: { running: {} }, lastState: restartCount ? { terminated: { exitCode: 137, reason: 'OOMKilled' } } : {} })] });
    return { ...one, metadata: { ...one.metadata, uid } };
  };
  it('notices a container that was started again since', () => {
    expect(whatEnded([running(0)], [running(1)])).toBe('container app of ratings ended with 137 (OOMKilled)');
  });
  it('is silent while all run, whatever was started again before all were ready', () => {
    expect(whatEnded([running(2)], [running(2)])).toBeNull();
  });
  it('notices a pod that is gone, though another took its place', () => {
    expect(whatEnded([running(0)], [running(0, 'u2')])).toBe('the pod of ratings is gone');
  });
});

describe('whyNoSidecar', () => {
  it('tells a webhook that does not look there from a pod that wants none', () => {
    const bare = pod({}, { containers: [{ name: 'app' }] });
    expect(whyNoSidecar(bare)).toMatch(/^the pod of ratings got no sidecar; see which namespaces Istio's webhook looks at/);
    expect(whyNoSidecar({ ...bare, metadata: { ...bare.metadata, annotations: { 'sidecar.istio.io/inject': 'false' } } })).toMatch(/^the pod of ratings wants no sidecar .*; take that out of the manifests/);
    expect(whyNoSidecar(pod({}, { containers: [{ name: 'app' }, { name: 'istio-proxy' }] }))).toBeNull();
  });
});

describe('whyNoPods', () => {
  const why = (message: string) => whyNoPods({ metadata: { labels: { app: 'ratings' } }, status: { replicas: 0, conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }] } });
  it('passes on why a ReplicaSet could make no pod', () => {
    expect(why('pods "ratings-5d-x" is forbidden: error looking up service account probe/missing: serviceaccount "missing" not found'))
      .toBe('the pod of ratings cannot be made: pods "ratings-5d-x" is forbidden: error looking up service account probe/missing: serviceaccount "missing" not found');
    expect(whyNoPods({ status: { replicas: 1 } })).toBeNull();
  });
  it('says what to do about a quota', () => {
    expect(why('pods "ratings-5d-x" is forbidden: exceeded quota: compute, requested: limits.cpu=3, used: limits.cpu=0, limited: limits.cpu=2')).toMatch(/; raise the quota, or run fewer services$/);
    expect(why('pods "ratings-5d-x" is forbidden: failed quota: compute: must specify limits.cpu for: app')).toMatch(/; lift that quota, or give the namespace a LimitRange with defaults/);
    expect(why('pods "ratings-5d-x" is forbidden: maximum cpu usage per Container is 100m, but limit is 3')).toMatch(/; widen the LimitRange of the namespace$/);
  });
  it('says what to do about a webhook that does not answer', () => {
    expect(why('Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": dial tcp 10.96.171.173:443: connect: connection refused'))
      .toMatch(/; the webhook's service does not answer: see whether istiod runs \(namespace istio-system\)$/);
  });
  it('says what to do about a level of pod security', () => {
    expect(why('pods "ratings-5d-x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)')).toMatch(/; allow privileged pods there/);
  });
});

describe('other looks at a pod', () => {
  it('is ready when Kubernetes says so, not when it merely runs', () => {
    expect(isReady(pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] }))).toBe(false);
    expect(isReady(pod({ conditions: [{ type: 'Ready', status: 'True' }] }))).toBe(true);
  });
  it('finds a sidecar as a container and, as newer Istio has it, as an init container', () => {
    expect(hasSidecar(pod({}, { containers: [{ name: 'app' }] }))).toBe(false);
    expect(hasSidecar(pod({}, { containers: [{ name: 'app' }, { name: 'istio-proxy' }] }))).toBe(true);
    expect(hasSidecar(pod({}, { containers: [{ name: 'app' }], initContainers: [{ name: 'istio-proxy' }] }))).toBe(true);
  });
  it("takes the runtime's prefix off a container's id", () => {
    const running = { state: { running: {} } };
    const proxy = container({ ...running, name: 'istio-proxy', containerID: 'containerd://cd34' });
    const over = container({ name: 'istio-init', containerID: 'containerd://ef56', state: { terminated: { exitCode: 0 } } });
    expect(containerIds(pod({ containerStatuses: [container({ ...running, containerID: 'containerd://ab12' }), proxy, over] }))).toEqual({ sidecar: 'cd34', own: ['ab12'] });
    expect(containerIds(pod({}))).toEqual({ sidecar: null, own: [] });
  });
  it('is named by the label app, and by ours where that is its authors\' and others have it too', () => {
    expect(serviceOfPod(pod({}))).toBe('ratings');
    expect(serviceOfPod({ metadata: { labels: { app: 'reviews', 'sidecar-workbench/service': 'reviews-v2' } } })).toBe('reviews-v2');
  });
});
