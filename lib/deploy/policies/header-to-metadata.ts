/** Header-To-Metadata: copies a request header into the metadata by which load balancing chooses endpoints. */
import { extension, type Extension } from './typed-config.js';

export interface HeaderToMetadata {
  kind: 'header-to-metadata';
  /** Header read: present → `envoy.lb`/`version`, missing → `envoy.lb`/`default` = "true". It stays in the request. */
  header: string;
}

export function renderHeaderToMetadata(filter: HeaderToMetadata): Extension {
  const metadata_namespace = 'envoy.lb';
  const rule = {
    header: filter.header,
    on_header_present: { metadata_namespace, key: 'version', type: 'STRING' },
    on_header_missing: { metadata_namespace, key: 'default', value: 'true', type: 'STRING' },
    remove: false,
  };
  return extension('envoy.filters.http.header_to_metadata', 'filters.http.header_to_metadata.v3.Config', { request_rules: [rule] });
}

/** The cluster's half of the paper's Header Read: endpoints grouped by the two metadata keys, any endpoint when no group fits. */
export const subsetLoadBalancing = {
  fallback_policy: 'ANY_ENDPOINT',
  subset_selectors: [{ keys: ['default'] }, { keys: ['version'] }],
};
