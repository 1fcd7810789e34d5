/**
 * Stand-in for Istio's filter istio.metadata_exchange (peer_metadata), which stock Envoy lacks: the same headers with the same
 * number of bytes travel between sidecars, made by filters that every Envoy has.
 *
 * - Out: two headers are added to requests, and taken from answers.
 * - In: both are taken from requests; answers get this pod's own pair, but only where the request had one, so that a client
 *   outside the mesh sees none. What is to be answered waits in the dynamic metadata of the request.
 *
 * Left out: the callee looks its caller up in a cache and hands what it knows to istio.stats, which is not there either.
 */
import { createHash } from 'node:crypto';
import { extension, type Extension } from '../policies/typed-config.js';
import { kubernetesNamespace } from './names.js';

export const peerHeaders = { metadata: 'x-envoy-peer-metadata', id: 'x-envoy-peer-metadata-id' } as const;

export interface PodIdentity {
  /** Of its service. */
  service: string;
  address: string;
}

/** Kubernetes names a pod after its deployment, the hash of its template and five characters by chance; here none is by chance. */
export function podName(service: string): string {
  const letters = (bytes: number) => createHash('sha256').update(`${service} ${bytes}`).digest('hex').slice(0, bytes);
  return `${service}-v1-${letters(10)}-${letters(5)}`;
}

/** As Istio names a proxy: `sidecar~10.203.0.10~details-v1-…~default.svc.cluster.local`. */
export function nodeId({ service, address }: PodIdentity): string {
  return `sidecar~${address}~${podName(service)}.${kubernetesNamespace}~${kubernetesNamespace}.svc.cluster.local`;
}

/** What the headers of this pod say. */
function headersOf(pod: PodIdentity): { name: string; value: string }[] {
  return [{ name: peerHeaders.id, value: nodeId(pod) }, { name: peerHeaders.metadata, value: encodeMetadata(pod) }];
}

/** For outbound chains. */
export function renderOutboundPeerMetadata(pod: PodIdentity): Extension[] {
  return [headerMutation({
    request_mutations: headersOf(pod).map(({ name, value }) => setHeader(name, value)),
    response_mutations: Object.values(peerHeaders).map((name) => ({ remove: name })),
  })];
}

const metadataNamespace = 'peer-metadata';

/** For inbound chains. */
export function renderInboundPeerMetadata(pod: PodIdentity): Extension[] {
  const rules = headersOf(pod).map(({ name, value }) => ({
    header: name, on_header_present: { metadata_namespace: metadataNamespace, key: name, value, type: 'STRING' }, remove: true,
  }));
  return [
    extension('envoy.filters.http.header_to_metadata', 'filters.http.header_to_metadata.v3.Config', { request_rules: rules }),
    headerMutation({
      // Empty values, of requests without the headers, are left out.
      response_mutations: headersOf(pod).map(({ name }) => setHeader(name, `%DYNAMIC_METADATA(${metadataNamespace}:${name})%`)),
    }),
  ];
}

function headerMutation(mutations: Record<string, unknown>): Extension {
  return extension('envoy.filters.http.header_mutation', 'filters.http.header_mutation.v3.HeaderMutation', { mutations });
}

function setHeader(key: string, value: string): object {
  return { append: { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } };
}

/** The fields that Istio sends of a pod, as a google.protobuf.Struct in base64 (istio/proxy@1.20.3:extensions/common/metadata_object.cc). */
function encodeMetadata({ service, address }: PodIdentity): string {
  const [, hash] = /-([0-9a-f]+)-[0-9a-f]+$/.exec(podName(service))!;
  const labels: Fields = {
    app: service, 'pod-template-hash': hash, 'security.istio.io/tlsMode': 'istio',
    'service.istio.io/canonical-name': service, 'service.istio.io/canonical-revision': 'v1', version: 'v1',
  };
  const fields: Fields = {
    APP_CONTAINERS: service, CLUSTER_ID: 'Kubernetes', INSTANCE_IPS: address, ISTIO_VERSION: '1.20.3', LABELS: labels,
    NAME: podName(service), NAMESPACE: kubernetesNamespace,
    OWNER: `kubernetes://apis/apps/v1/namespaces/${kubernetesNamespace}/deployments/${service}-v1`, WORKLOAD_NAME: `${service}-v1`,
  };
  return struct(fields).toString('base64');
}

interface Fields {
  [name: string]: string | Fields;
}

/** Fields of Struct, Value and its map entry by their numbers in google/protobuf/struct.proto; all are length-delimited. */
function struct(fields: Fields): Buffer {
  return Buffer.concat(Object.entries(fields).map(([name, value]) => {
    const encoded = typeof value === 'string' ? delimited(3, Buffer.from(value)) : delimited(5, struct(value));
    return delimited(1, Buffer.concat([delimited(1, Buffer.from(name)), delimited(2, encoded)]));
  }));
}

function delimited(field: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(content.length), content]);
}

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 0x7f) | 0x80]), varint(value >> 7)]);
}
