import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { containerId, hasSidecar, isReady, whatEnded, whyNoPods, whyPodFails } from '../../../../lib/deploy/kubernetes/pods.js';

const pod = (status: V1Pod['status'], spec?: Partial<V1Pod['spec']>): V1Pod => (
  { metadata: { name: 'ratings-5d', labels: { app: 'ratings' } }, status, spec: { containers: [], ...spec } });
const container = (status: Partial<V1ContainerStatus>): V1ContainerStatus => (
  { name: 'app', image: 'nowhere.example/emulator:1', imageID: '', ready: false, restartCount: 0, ...status });

describe('whyPodFails', () => {
  it('passes on why no node takes the pod', () => {
    const status = { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available: 1 Insufficient cpu.' }] };
    expect(whyPodFails(pod(status))).toBe('no node takes the pod of ratings: 0/1 nodes are available: 1 Insufficient cpu.; use larger nodes or more of them, or a profile that asks for less (demo)');
  });
  it('names an image that cannot be pulled and what to do', () => {
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' };
    expect(whyPodFails(pod({ containerStatuses: [container({ state: { waiting } })] })))
      .toMatch(/^the image nowhere\.example\/emulator:1 of ratings cannot be had \(ImagePullBackOff: Back-off pulling image\); push it to a registry/);
  });
  it('looks at init containers too', () => {
    const waiting = { reason: 'CrashLoopBackOff' };
    const lastState = { terminated: { exitCode: 255 } };
    expect(whyPodFails(pod({ initContainerStatuses: [container({ name: 'istio-init', state: { waiting }, lastState })] }))).toMatch(/container istio-init of ratings ended with 255 again and again/);
  });
  it('has nothing to say of a pod that is only slow', () => {
    expect(whyPodFails(pod({ containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })] }))).toBeNull();
  });
});

describe('whatEnded', () => {
  it('notices a container that was started again since', () => {
    const status = { containerStatuses: [container({ restartCount: 1, state: { running: {} }, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } })] };
    expect(whatEnded(pod(status))).toBe('container app of ratings ended with 137 (OOMKilled)');
  });
  it('is silent while all run', () => {
    expect(whatEnded(pod({ containerStatuses: [container({ state: { running: {} } })] }))).toBeNull();
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
    expect(containerId(pod({ containerStatuses: [container({ containerID: 'containerd://ab12' })] }), 'app')).toBe('ab12');
    expect(containerId(pod({}), 'app')).toBeNull();
  });
  it('passes on why a ReplicaSet could make no pod', () => {
    const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota: small' }];
    expect(whyNoPods({ metadata: { labels: { app: 'ratings' } }, status: { replicas: 0, conditions } })).toBe('the pod of ratings cannot be made: exceeded quota: small');
    expect(whyNoPods({ status: { replicas: 1 } })).toBeNull();
  });
});
