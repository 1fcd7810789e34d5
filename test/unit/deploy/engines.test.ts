import { afterEach, expect, test, vi } from 'vitest';
import { graphById } from '../../../lib/apps/graph-file.js';
import { policyById } from '../../../lib/deploy/catalogue.js';
import { applicationEngine, sidecarPods } from '../../../lib/deploy/engines.js';

afterEach(() => { vi.unstubAllEnvs(); });

test('applications run on this machine unless a cluster is named', () => {
  vi.stubEnv('WORKBENCH_KUBECONFIG', '');
  expect(applicationEngine().name).toBe('namespaces');
  vi.stubEnv('WORKBENCH_KUBECONFIG', '/nowhere/config');
  expect(applicationEngine().name).toBe('kubernetes');
});

test('a cluster that does not answer is told with what to do', async () => {
  vi.stubEnv('WORKBENCH_KUBECONFIG', '/nowhere/config');
  const answer = await applicationEngine().probe();
  expect(answer).toMatchObject({ available: false, reason: expect.stringContaining('/nowhere/config'), remedy: expect.stringContaining('WORKBENCH_KUBECONFIG') });
});

test('a cluster of one\'s own has to be told where the emulator\'s image is', async () => {
  vi.stubEnv('WORKBENCH_KUBECONFIG', '/nowhere/config');
  vi.stubEnv('WORKBENCH_IMAGE', '');
  await expect(applicationEngine().describe({ graph: graphById('two-tier'), profile: 'none', nodes: 1 })).rejects.toThrow(/npm run cluster -- images --registry NAME FOLDER/);
});

test('manifests of an application need no image of the emulator, and no other engine takes them', async () => {
  const spec = { graph: graphById('two-tier'), profile: 'none' as const, nodes: 1, manifests: '/nowhere/shop.yaml' };
  vi.stubEnv('WORKBENCH_KUBECONFIG', '/nowhere/config');
  vi.stubEnv('WORKBENCH_IMAGE', '');
  await expect(applicationEngine().describe(spec)).rejects.toThrow(/^\/nowhere\/config is not a kubeconfig/);
  vi.stubEnv('WORKBENCH_KUBECONFIG', '');
  const refusal = 'the manifests of two-tier (/nowhere/shop.yaml) take a cluster; name one in WORKBENCH_KUBECONFIG';
  await expect(applicationEngine().describe(spec)).rejects.toThrow(refusal);
  await expect(applicationEngine().start(spec)).rejects.toThrow(refusal);
});

test('sidecars on a cluster are not put under another program, which is told before anything is tried', async () => {
  vi.stubEnv('WORKBENCH_KUBECONFIG', '');
  expect(await applicationEngine().refusal({ nodes: 1, wrapsSidecars: true })).toBeNull();
  vi.stubEnv('WORKBENCH_KUBECONFIG', '/nowhere/config');
  expect(await applicationEngine().refusal({ nodes: 1, wrapsSidecars: true })).toMatchObject({ what: expect.stringContaining('Valgrind'), remedy: expect.stringContaining('WORKBENCH_KUBECONFIG') });
});

test('single sidecars are processes of this machine unless a cluster is named', () => {
  vi.stubEnv('WORKBENCH_KUBECONFIG', '');
  expect(sidecarPods()).toBeNull();
  vi.stubEnv('WORKBENCH_KUBECONFIG', '/nowhere/config');
  expect(sidecarPods()).not.toBeNull();
});

test('what only a process of this machine can have is refused before anything is tried as a pod', () => {
  vi.stubEnv('WORKBENCH_KUBECONFIG', '/nowhere/config');
  const refusal = (policy: string, collector: string) => sidecarPods()!.refusal({ config: policyById(policy), collector });
  for (const collector of ['cpu-time', 'strace', 'syscall-events', 'perf-stat', 'perf-record']) expect([collector, refusal('http', collector)]).toEqual([collector, null]);
  for (const collector of ['instructions', 'trace', 'callgrind', 'single-step', 'toplev']) {
    expect(refusal('http', collector)).toMatchObject({ what: `with ${collector}`, remedy: expect.stringContaining('unset WORKBENCH_KUBECONFIG') });
  }
  expect(refusal('sql', 'cpu-time')).toMatchObject({ reason: expect.stringContaining('no database') });
});

test('load comes from here or from the cluster, and from nowhere else', () => {
  vi.stubEnv('WORKBENCH_KUBECONFIG', '/nowhere/config');
  vi.stubEnv('WORKBENCH_LOAD', 'elsewhere');
  expect(() => applicationEngine()).toThrow('WORKBENCH_LOAD is "elsewhere"; it can be here or cluster');
});
