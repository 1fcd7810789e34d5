/** What the sidecars of an application know of it: its services as Istio's control plane would describe them to each. */
import type { ServiceNode } from '../../apps/call-graph.js';
import type { ApplicationSpec, MeshProfile } from '../application.js';
import type { MeshLayout } from './layout.js';
import { qualifiedName } from './names.js';

/** How the mesh treats a port. `sniffed`: each connection is looked at, HTTP or not. */
export type PortKind = 'http' | 'http2' | 'tcp' | 'sniffed';

export interface MeshService {
  /** `details` */
  name: string;
  /** `details.default.svc.cluster.local` */
  host: string;
  /** Of the Service. */
  virtualAddress: string;
  port: number;
  kind: PortKind;
  /** Of the one pod behind it. */
  podAddress: string;
  targetPort: number;
}

export interface Mesh {
  profile: Exclude<MeshProfile, 'none'>;
  mtls: boolean;
  rbac: boolean;
  services: MeshService[];
}

/** The mesh of an application whose pods have sidecars. */
export function meshOf(spec: ApplicationSpec, profile: Mesh['profile'], { pods }: MeshLayout): Mesh {
  const services = pods.map(({ service, address, port, serviceAddress }): MeshService => ({
    name: service.name, host: qualifiedName(service.name), virtualAddress: serviceAddress, port: service.port, kind: portKind(service),
    podAddress: address, targetPort: port,
  }));
  return { profile, mtls: spec.mtls ?? false, rbac: spec.rbac ?? false, services };
}

const kindsByName: Record<string, PortKind> = {
  http: 'http', http2: 'http2', grpc: 'http2', tcp: 'tcp', tls: 'tcp', https: 'tcp', redis: 'tcp', mongo: 'tcp', mysql: 'tcp',
};

/** Ports whose servers speak first, so that there is nothing to sniff: SMTP, DNS, MySQL, MongoDB. */
const neverSniffed = [25, 53, 3306, 27017];

/**
 * From the name of a Service's port, its part before a dash; any other name, or none, is sniffed
 * (istio/istio@1.20.3:pkg/config/kube/conversion.go).
 */
export function portKind({ portName = '', port }: Pick<ServiceNode, 'portName' | 'port'>): PortKind {
  return kindsByName[portName.split('-')[0].toLowerCase()] ?? (neverSniffed.includes(port) ? 'tcp' : 'sniffed');
}

/** Name of the cluster by which others reach a service. */
export function outboundName({ port, host }: MeshService): string {
  return `outbound|${port}||${host}`;
}

/** Name of the cluster by which a service's own sidecar reaches it. */
export function inboundName({ targetPort }: MeshService): string {
  return `inbound|${targetPort}||`;
}
