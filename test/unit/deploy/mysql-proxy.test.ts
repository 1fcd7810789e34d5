import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { policies, policyById, sqlContrib, sqlModule } from '../../../lib/deploy/catalogue.js';
import { mysqlModule } from '../../../lib/deploy/mysql-module.js';
import { normalisedYaml, renderPolicy, type Wiring } from '../../../lib/deploy/render.js';

const anywhere = { host: '127.0.0.1', port: 0 };
const wiring: Wiring = { listener: anywhere, admin: anywhere, upstream: anywhere, certificate: { cert: '', key: '' } };
const filters = (yaml: string) => parse(yaml).static_resources.listeners[0].filter_chains[0].filters as { name: string; typed_config: Record<string, unknown> }[];

describe('the SQL policy', () => {
  it('is mysql_proxy before the TCP proxy where Envoy has it', () => {
    const [filter, proxy] = filters(renderPolicy(sqlContrib, wiring));
    expect(filter).toEqual({
      name: 'envoy.filters.network.mysql_proxy',
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.mysql_proxy.v3.MySQLProxy', stat_prefix: 'sql' },
    });
    expect(proxy.name).toBe('envoy.filters.network.tcp_proxy');
  });
  it('is our module elsewhere, loaded from where it was built', () => {
    const [filter] = filters(renderPolicy(sqlModule, { ...wiring, mysqlModule: { file: '/here/libmysql_filter.so', source: 'abc' } }));
    expect(filter.typed_config).toMatchObject({ filter_name: 'mysql@abc', dynamic_module_config: { module: { local: { filename: '/here/libmysql_filter.so' } } } });
  });
  it('says what is missing when it is rendered without the module', () => {
    expect(() => renderPolicy(sqlModule, wiring)).toThrow('the MySQL filter needs its dynamic module');
  });
  it('tells in a run\'s key which program did it, which build of the module too, but not where that lies', () => {
    const module = normalisedYaml(sqlModule);
    expect(module).toContain(`mysql@${mysqlModule().source}`);
    expect(module).toContain('filename: PATH');
    expect(normalisedYaml(sqlContrib)).not.toEqual(module);
  });
  it('says in its label which program does it, and is not among those that take HTTP', () => {
    expect([policyById('sql').label, sqlContrib.label]).toEqual(['SQL (module)', 'SQL (mysql_proxy)']);
    expect(policies.map((policy) => policy.id)).not.toContain('sql');
  });
});
