/**
 * MySQL: decodes the connections that pass, counts logins and queries, and says in the metadata which tables each query
 * touches. Two programs do that work, and which one it was is part of the policy:
 * - `contrib`: Envoy's extension mysql_proxy, in builds of Envoy with the contrib extensions;
 * - `module`: ours for any other Envoy, a dynamic module (environment/sql-module).
 */
import { extension, type Extension } from './typed-config.js';

export interface MysqlProxy {
  kind: 'mysql';
  by: 'contrib' | 'module';
}

/** The dynamic module as built here. */
export interface MysqlModule {
  /** The shared library. */
  file: string;
  /** Hash of its sources. */
  source: string;
}

/** The middle of the counters' names. */
const statPrefix = 'sql';

/** @throws Error when the module is to do it and is not given. */
export function renderMysqlProxy(filter: MysqlProxy, module?: MysqlModule): Extension {
  if (filter.by === 'contrib') {
    return extension('envoy.filters.network.mysql_proxy', 'filters.network.mysql_proxy.v3.MySQLProxy', { stat_prefix: statPrefix });
  }
  if (!module) throw new Error('the MySQL filter needs its dynamic module; give it in the wiring (mysqlModule())');
  return extension('envoy.filters.network.dynamic_modules', 'filters.network.dynamic_modules.v3.DynamicModuleNetworkFilter', {
    dynamic_module_config: {
      module: { local: { filename: module.file } },
      // Rust's library keeps thread-local state that does not survive being unloaded.
      do_not_close: true,
      metrics_namespace: 'mysql',
    },
    // The module has but one filter; the name is what tells its builds apart in a run's key.
    filter_name: `mysql@${module.source}`,
    filter_config: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: statPrefix },
  });
}

/** Envoy's counters (admin /stats) of this filter, by either program: `queries_parsed`, `login_attempts`, ... */
export function mysqlCounter(name: string): string {
  return `mysql.${statPrefix}.${name}`;
}

/** Where either program puts a query's tables: `%DYNAMIC_METADATA(envoy.filters.network.mysql_proxy)%`. */
export const mysqlMetadataNamespace = 'envoy.filters.network.mysql_proxy';
