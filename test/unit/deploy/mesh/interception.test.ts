import { describe, expect, test } from 'vitest';
import { graphById } from '../../../../lib/apps/graph-file.js';
import { interceptionRules, virtualAddressRules } from '../../../../lib/deploy/mesh/interception.js';
import { layOut } from '../../../../lib/deploy/mesh/layout.js';
import { portKind } from '../../../../lib/deploy/mesh/mesh.js';
import { hostsFile } from '../../../../lib/deploy/mesh/names.js';

/** Printed by istio-iptables of a 1.20 pod, in its order within each chain, with the rules by user left out. */
const istios: Record<string, string[]> = {
  PREROUTING: ['-p tcp -j ISTIO_INBOUND'],
  OUTPUT: ['-p tcp -j ISTIO_OUTPUT'],
  ISTIO_REDIRECT: ['-p tcp -j REDIRECT --to-ports 15001'],
  ISTIO_IN_REDIRECT: ['-p tcp -j REDIRECT --to-ports 15006'],
  ISTIO_INBOUND: [
    '-p tcp --dport 15008 -j RETURN', '-p tcp --dport 15090 -j RETURN', '-p tcp --dport 15021 -j RETURN', '-p tcp --dport 15020 -j RETURN',
    '-p tcp -j ISTIO_IN_REDIRECT',
  ],
  ISTIO_OUTPUT: [
    '-o lo -s 127.0.0.6/32 -j RETURN',
    '-o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT',
    '-o lo -m owner ! --gid-owner 1337 -j RETURN',
    '-m owner --gid-owner 1337 -j RETURN',
    '-d 127.0.0.1/32 -j RETURN',
    '-j ISTIO_REDIRECT',
  ],
};

describe('interception', () => {
  test('has the rules of istio-iptables, and one port more that is let through: the admin page', () => {
    const rules: Record<string, string[]> = {};
    for (const line of interceptionRules().split('\n')) {
      const [, chain, rule] = /^-A (\w+) (.*)$/.exec(line) ?? [];
      if (chain) (rules[chain] ??= []).push(rule);
    }
    expect(rules.ISTIO_INBOUND).toContain('-p tcp --dport 15000 -j RETURN');
    rules.ISTIO_INBOUND = rules.ISTIO_INBOUND.filter((rule) => !rule.includes('15000'));
    expect(rules).toEqual(istios);
  });
});

describe('without sidecars', () => {
  const layout = layOut({ graph: graphById('online-boutique'), profile: 'none', nodes: 2 }, '10.203');
  test('virtual addresses become those of pods, ports those that pods listen on', () => {
    expect(virtualAddressRules(layout).split('\n').slice(0, 3)).toEqual([
      '*nat',
      '-A OUTPUT -d 10.203.240.1/32 -p tcp --dport 80 -j DNAT --to-destination 10.203.0.10:8080',
      '-A OUTPUT -d 10.203.240.2/32 -p tcp --dport 7000 -j DNAT --to-destination 10.203.1.11:7000',
    ]);
  });
  test('names stand for virtual addresses, and only a mesh with a collector knows of one', () => {
    expect(hostsFile(layout, false)).toContain('\n10.203.240.1 frontend frontend.default frontend.default.svc frontend.default.svc.cluster.local\n');
    expect(hostsFile(layout, false)).not.toContain('zipkin');
    expect(hostsFile(layout, true)).toContain('\n10.203.0.2 zipkin.istio-system\n');
  });
});

describe('a port', () => {
  test.each([
    ['http', 9080, 'http'], ['grpc', 7000, 'http2'], ['grpc-api', 7000, 'http2'], ['tcp-redis', 6379, 'tcp'], ['11211', 11211, 'sniffed'],
    [undefined, 5000, 'sniffed'], ['27017', 27017, 'tcp'],
  ] as const)('named %s, number %i, is taken for %s', (portName, port, kind) => {
    expect(portKind({ portName, port })).toBe(kind);
  });
});
