/** IP tagging: names of the address ranges a client is in, joined by Envoy in one header `x-envoy-ip-tags`. */
import { extension, type Extension } from './typed-config.js';

export interface IpTagging {
  kind: 'ip-tagging';
  tags: IpTag[];
}

export interface IpTag {
  name: string;
  /** e.g. `10.0.0.0/8` */
  cidr: string;
}

/** Tags that every IPv4 client has, as the paper's; names as long as its authors', since the header's bytes cost too. */
export function tagsForEveryone(count: number): IpTag[] {
  return Array.from({ length: count }, (_, i) => ({ name: `client-in-range-${i}`, cidr: '0.0.0.0/0' }));
}

/** @throws Error on a range that is not written address/length. */
export function renderIpTagging(filter: IpTagging): Extension {
  return extension('envoy.filters.http.ip_tagging', 'filters.http.ip_tagging.v3.IPTagging', {
    request_type: 'BOTH',
    ip_tags: filter.tags.map(({ name, cidr }) => ({ ip_tag_name: name, ip_list: [cidrRange(cidr)] })),
  });
}

function cidrRange(cidr: string): { address_prefix: string; prefix_len: number } {
  const parts = /^([0-9a-fA-F.:]+)\/(\d+)$/.exec(cidr);
  if (!parts) throw new Error(`ip-tagging: "${cidr}" is not an address range; write it like 10.0.0.0/8`);
  return { address_prefix: parts[1], prefix_len: Number(parts[2]) };
}
