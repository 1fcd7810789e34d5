/** Network RBAC: lets a connection's bytes pass, or closes it, by the client's address. */
import { extension, type Extension } from './typed-config.js';

export interface NetworkRbac {
  kind: 'rbac-network';
  action: 'ALLOW' | 'DENY';
  /** Client addresses the one rule lists, each as a /32; `any` matches everyone. */
  sourceIps: string[] | 'any';
}

export function renderNetworkRbac(filter: NetworkRbac): Extension {
  return extension('envoy.filters.network.rbac', 'filters.network.rbac.v3.RBAC', {
    stat_prefix: 'network_rbac',
    // Evaluated on every read, as the paper's: by default Envoy would ask only once a connection.
    enforcement_type: 'CONTINUOUS',
    rules: {
      action: filter.action,
      policies: { listed: { permissions: [{ any: true }], principals: principals(filter.sourceIps) } },
    },
  });
}

function principals(sourceIps: NetworkRbac['sourceIps']): object[] {
  if (sourceIps === 'any') return [{ any: true }];
  return sourceIps.map((ip) => ({ source_ip: { address_prefix: ip, prefix_len: 32 } }));
}
