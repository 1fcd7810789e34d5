import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, runKey, type RunSpec } from '../../../lib/store/run-key.js';

const spec: RunSpec = {
  envoyYaml: 'a: 1', envoyBuildId: 'b1', backend: { name: 'socketify', version: '0.0.31' },
  load: { mode: 'closed', connections: 4, path: '/100' }, collector: { name: 'cpu-time', version: '1' },
};

describe('canonicalJson', () => {
  it('gives the same text whatever the order of keys', () => {
    expect(canonicalJson({ b: [1, { d: 2, c: 3 }], a: undefined })).toBe('{"b":[1,{"c":3,"d":2}]}');
  });
  it('is JSON that reads back as the value (any JSON value)', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }));
  });
});

describe('runKey', () => {
  it('does not change with the order in which a specification was built', () => {
    const { load, ...rest } = spec;
    expect(runKey({ load: { path: load.path, connections: 4, mode: 'closed' }, ...rest })).toBe(runKey(spec));
  });
  it.each([
    ['configuration', { envoyYaml: 'a: 2' }],
    ['Envoy build', { envoyBuildId: 'b2' }],
    ['backend version', { backend: { name: 'socketify', version: '0.0.32' } }],
    ['load', { load: { ...spec.load, connections: 5 } }],
    ['collector version', { collector: { name: 'cpu-time', version: '2' } }],
  ])('changes with the %s', (_what, change) => {
    expect(runKey({ ...spec, ...change })).not.toBe(runKey(spec));
  });
});
