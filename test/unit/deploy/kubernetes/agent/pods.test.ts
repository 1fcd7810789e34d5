import { expect, it } from 'vitest';
import { agentPod } from '../../../../../lib/deploy/kubernetes/agent/pods.js';

const frame = { namespace: 'bench', owner: 'me' };

it('a collector is privileged and among the processes of its node, and gets no sidecar', () => {
  const { metadata, spec } = agentPod('collector', 'node2', 'registry/agent:1', frame);
  expect(metadata).toMatchObject({ name: 'collector-node2', namespace: 'bench', labels: { 'sidecar-workbench/owner': 'me', 'sidecar.istio.io/inject': 'false' } });
  expect(spec).toMatchObject({ hostPID: true, nodeSelector: { 'kubernetes.io/hostname': 'node2' } });
  expect(spec?.containers[0]).toMatchObject({ image: 'registry/agent:1', securityContext: { privileged: true } });
});

it('a load generator asks for no right that any pod lacks', () => {
  const { spec } = agentPod('load', 'node1', 'registry/agent:1', frame);
  expect(spec?.hostPID).toBeUndefined();
  expect(spec?.containers[0].securityContext).toBeUndefined();
});
