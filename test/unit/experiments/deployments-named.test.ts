import { expect, test } from 'vitest';
import { graphById } from '../../../lib/apps/graph-file.js';
import { deploymentId, deploymentLabel } from '../../../lib/experiments/visits.js';

const spec = { graph: graphById('bookinfo'), profile: 'demo' as const, nodes: 2 };

test('a deployment is named by its application, profile and what is switched', () => {
  expect([deploymentId(spec), deploymentLabel(spec)]).toEqual(['bookinfo/demo', 'BookInfo, demo profile, 2 nodes']);
  const later = { ...spec, graph: graphById('bookinfo', 'since-2024-06'), mtls: true };
  expect([deploymentId(later), deploymentLabel(later)]).toEqual(['bookinfo/demo/since-2024-06/mtls', 'BookInfo (since-2024-06), demo profile, 2 nodes']);
});

test("its authors' own programs are told from the emulator", () => {
  const upstream = { ...spec, manifests: 'bookinfo.yaml' };
  expect([deploymentId(upstream), deploymentLabel(upstream)]).toEqual(['bookinfo/demo/upstream', 'BookInfo (upstream), demo profile, 2 nodes']);
});
