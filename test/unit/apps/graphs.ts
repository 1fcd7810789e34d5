/** Small graphs for tests. */
import fc from 'fast-check';
import type { Call, CallGraph, ServiceNode } from '../../../lib/apps/call-graph.js';

export const chain: CallGraph = {
  format: 1, id: 'chain', label: 'Chain', source: 'a test', entry: { service: 'front', operation: 'page' },
  services: [
    { name: 'front', protocol: 'http', port: 80, operations: { page: { path: '/', responseBytes: 10, calls: [{ to: 'back', operation: 'Do', times: 2, requestBytes: 3 }] } } },
    { name: 'back', protocol: 'grpc', port: 81, operations: { Do: { responseBytes: 4, calls: [{ to: 'cache', operation: 'get', keys: 3 }] } } },
    { name: 'cache', protocol: 'redis', port: 6379, seed: [{ keys: 2, valueBytes: 7 }] },
  ],
};

/** Graphs whose services call later ones only, up to three levels deep, in sequence and in parallel. */
export const anyGraph: fc.Arbitrary<CallGraph> = fc
  .array(fc.array(fc.record({ further: fc.nat(3), times: fc.integer({ min: 1, max: 3 }), together: fc.boolean() }), { maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((plan) => ({ ...chain, id: 'any', entry: { service: 's0', operation: 'do' }, services: plan.map((calls, i) => serviceAt(i, calls, plan.length)) }));

function serviceAt(i: number, calls: { further: number; times: number; together: boolean }[], count: number): ServiceNode {
  const within = calls.filter(({ further }) => i + 1 + further < count);
  const steps = within.map(({ further, times, together }): Call | Call[] => {
    const call = { to: `s${i + 1 + further}`, operation: 'do', times };
    return together ? [call, { ...call, times: 1 }] : call;
  });
  return { name: `s${i}`, protocol: 'http', port: 80, operations: { do: { path: '/do', responseBytes: i, calls: steps } } };
}
