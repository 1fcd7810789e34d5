import { describe, expect, test } from 'vitest';
import { compareWithDump, differencesBetween } from '../../../../lib/deploy/mesh/dump-comparison.js';
import { dumpReasons } from '../../../../lib/deploy/mesh/dump-reasons.js';

describe('a sidecar of ours beside one that a real control plane configured', () => {
  const differences = compareWithDump();

  test('every difference has a reason', () => {
    expect(differences.filter(({ reason }) => reason === null)).toEqual([]);
  });
  test('every reason has a difference', () => {
    const given = new Set(differences.map(({ reason }) => reason));
    expect(dumpReasons.map(({ reason }) => reason).filter((reason) => !given.has(reason))).toEqual([]);
  });
  test('what costs most is the same: routes with their retries, circuit breakers, sources of inbound connections, TLS versions', () => {
    const places = differences.map(({ path }) => path).join('\n');
    expect(places).not.toMatch(/retry_policy|circuit_breakers|upstream_bind_config|lb_policy|tls_params|stream_idle_timeout|request_id_extension|normalize_path/);
  });
});

describe('two trees', () => {
  test('that are the same have no difference', () => {
    expect(differencesBetween({ a: { b: '1' } }, { a: { b: '1' } })).toEqual([]);
  });
  test('differ where a value does, or stands on one side alone', () => {
    expect(differencesBetween({ a: { b: '1', c: '2' } }, { a: { b: '3' }, d: { e: '4' } }).map(({ path, ours, istios }) => [path, ours, istios])).toEqual([
      ['a / b', '1', '3'], ['a / c', '2', null], ['d', null, '{"e":"4"}'],
    ]);
  });
});
