import { describe, expect, it } from 'vitest';
import { paperFig6, paperFig7, policies, policyById } from '../../../lib/deploy/catalogue.js';
import { compose } from '../../../lib/deploy/policy.js';

describe('the catalogue', () => {
  it('has no id twice', () => {
    const ids = policies.map((policy) => policy.id);
    expect(new Set(ids).size).toBe(ids.length);
  });
  it('has every policy that the figures name', () => {
    for (const id of [...paperFig6, ...paperFig7]) expect(policyById(id).id).toBe(id);
  });
  it('says which policies there are when asked for another', () => {
    expect(() => policyById('http-mix-3')).toThrow(/^no policy "http-mix-3"; there are tcp, rbac-accept-all, /);
  });
  it('names as parts only single policies, and composing those again gives the same policy', () => {
    for (const policy of policies.filter((candidate) => candidate.composedOf)) {
      const parts = policy.composedOf!.map(policyById);
      expect(parts.every((part) => part.composedOf === undefined)).toBe(true);
      expect(compose(policy.id, policy.label, parts)).toEqual(policy);
    }
  });
  it('adds up in the exact mix what the paper\'s Table 3 adds up, subset load balancing included', () => {
    const exact = policyById('http-mix-2-exact');
    expect(exact.composedOf).toEqual(['header-read', 'ratelimit', 'ip-tag-1', 'logging']);
    expect(exact).toMatchObject({ subsetLoadBalancing: true, accessLog: {} });
    expect(exact).not.toHaveProperty('requestId');
  });
  it('lists in Reject N exactly N different addresses, all reserved for benchmarks', () => {
    for (const count of [1, 100, 1000]) {
      const [filter] = policyById(`rbac-reject-${count}`).filters;
      const listed = filter.kind === 'rbac-network' && filter.sourceIps !== 'any' ? filter.sourceIps : [];
      expect(new Set(listed).size).toBe(count);
      expect(listed.every((ip) => /^198\.18\.\d{1,3}\.\d{1,3}$/.test(ip))).toBe(true);
    }
  });
});
