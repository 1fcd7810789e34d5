import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policies, policyById } from '../../../lib/deploy/catalogue.js';
import { compose, type Policy } from '../../../lib/deploy/policy.js';

const singles = policies.filter((policy) => !policy.composedOf && policy.id !== 'http-mix-2');
const someParts = fc.array(fc.constantFrom(...singles), { minLength: 1, maxLength: 5 });

/** Everything a policy configures, names aside. */
function content({ id, label, composedOf, ...rest }: Policy) {
  return rest;
}

describe('compose', () => {
  it('keeps every filter of every part, in the parts\' order', () => {
    fc.assert(fc.property(someParts, (parts) => {
      expect(compose('mix', 'Mix', parts).filters).toEqual(parts.flatMap((part) => part.filters as object[]));
    }));
  });
  it('is HTTP exactly when one of the parts is', () => {
    fc.assert(fc.property(someParts, (parts) => {
      expect(compose('mix', 'Mix', parts).frame).toBe(parts.some((part) => part.frame === 'http') ? 'http' : 'tcp');
    }));
  });
  it('of one part configures what the part does', () => {
    for (const part of singles) expect(content(compose('mix', 'Mix', [part]))).toEqual(content(part));
  });
  it('of compositions is the composition of their parts', () => {
    fc.assert(fc.property(someParts, someParts, (left, right) => {
      const nested = compose('mix', 'Mix', [compose('l', 'L', left), compose('r', 'R', right)]);
      expect(nested).toEqual(compose('mix', 'Mix', [...left, ...right]));
    }));
  });
  it('refuses parts that want different access logs, and shows both', () => {
    const one: Policy = { id: 'one', label: 'One', frame: 'http', filters: [], accessLog: { format: 'a' } };
    expect(() => compose('mix', 'Mix', [one, policyById('logging')])).toThrow('policy mix: its parts want different access log: {"format":"a"} and {}; keep one');
  });
  it('refuses nothing to compose', () => {
    expect(() => compose('mix', 'Mix', [])).toThrow('policy mix has no parts');
  });
});
