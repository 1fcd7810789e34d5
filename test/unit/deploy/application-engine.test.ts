import { afterEach, expect, test, vi } from 'vitest';
import { graphById } from '../../../lib/apps/graph-file.js';
import { applicationEngine } from '../../../lib/deploy/application-engine.js';

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
  await expect(applicationEngine().describe({ graph: graphById('two-tier'), profile: 'none', nodes: 1 })).rejects.toThrow(/set WORKBENCH_IMAGE to its name/);
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
