/** HTTP RBAC: answers 403 to requests that its one rule does not let pass, by URL path and the port they came in on. */
import { extension, type Extension } from './typed-config.js';

export interface HttpRbac {
  kind: 'rbac-http';
  action: 'ALLOW' | 'DENY';
  pathPrefix: string;
  /** The sidecar's port is one of these, [first, last] being a range; any port when left out. */
  ports?: (number | [number, number])[];
}

export function renderHttpRbac(filter: HttpRbac): Extension {
  const path = { url_path: { path: { prefix: filter.pathPrefix } } };
  const permission = filter.ports ? { and_rules: { rules: [path, { or_rules: { rules: filter.ports.map(portRule) } }] } } : path;
  return extension('envoy.filters.http.rbac', 'filters.http.rbac.v3.RBAC', {
    rules: {
      action: filter.action,
      policies: { general: { permissions: [permission], principals: [{ any: true }] } },
    },
  });
}

function portRule(port: number | [number, number]): object {
  if (typeof port === 'number') return { destination_port: port };
  return { destination_port_range: { start: port[0], end: port[1] + 1 } };
}
