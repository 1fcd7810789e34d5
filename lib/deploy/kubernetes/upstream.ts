/**
 * An application by its authors' own manifests, as far as it can be worked out without a cluster: which pods it has, how they
 * are named, and its objects as the workbench applies them: in a namespace of its own, with labels by which they are found
 * again, one sidecar worker as the profile sets it, and pods where the placement puts them. All else stays as published.
 */
import type { KubernetesObject, V1Container, V1Deployment, V1PersistentVolumeClaim, V1PodTemplateSpec, V1Service } from '@kubernetes/client-node';
import type { CallGraph, ServiceNode } from '../../apps/call-graph.js';
import type { ApplicationSpec } from '../application.js';
import { labelsOf, podAnnotations, serviceLabel, type Frame } from './manifests.js';

export interface Upstream {
  /** The call graph's entry, and one service for each pod: the pods are counted, placed and reached by it. */
  graph: CallGraph;
  deployments: { service: string; deployment: V1Deployment }[];
  /** All else that is applied, ahead of the pods. */
  others: KubernetesObject[];
  /** What numbers have to be read with. */
  notes: string[];
}

/** Labels by which applications name their pods, the likeliest first. */
const nameLabels = ['app', 'io.kompose.service', 'app.kubernetes.io/name'];

/** Kinds whose pods are not one to a service, or do not stay. */
const otherPodMakers = ['Pod', 'ReplicaSet', 'ReplicationController', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'];

/**
 * @param objects the manifests, read.
 * @param asked the graph that names the entry: its service has to be a Service of the manifests.
 * @throws Error in one line with what to do, where pods could not be told apart, reached or counted.
 */
export function upstreamOf(objects: KubernetesObject[], asked: CallGraph): Upstream {
  const pods = objects.find(({ kind = '' }) => otherPodMakers.includes(kind));
  if (pods) throw new Error(`the manifests have a ${pods.kind} (${pods.metadata?.name}), the workbench counts pods of Deployments; make it one, or take it out`);
  const services = objects.filter(isService);
  const found = objects.filter(isDeployment);
  found.forEach(checkCountable);
  const front = frontOf(services, found, asked);
  const deployments = found.map((deployment) => ({ service: deployment === front ? asked.entry.service : nameOf(deployment, found), deployment }));
  const leading = (deployment: V1Deployment) => services.find((service) => leadsTo(service, deployment));
  return {
    graph: { ...asked, variant: undefined, variants: undefined, services: deployments.map(({ service, deployment }) => nodeOf(service, deployment, leading(deployment), asked)) },
    deployments: deployments.map(({ service, deployment }) => ({ service, deployment: withoutClaims(deployment, keptByVolumes(objects)) })),
    others: objects.filter((object) => !isDeployment(object) && object.kind !== 'PersistentVolume' && !keptByVolumes(objects).includes(object.metadata!.name!)),
    notes: deployments.filter(({ deployment }) => !leading(deployment)).map(({ service }) => (
      `the manifests start ${service}, which no Service leads to: if it sends load of its own, every number has that in it; take it out of them to measure without`)),
  };
}

/** Everything to apply, pods last: they need the accounts and settings among the others. */
export function upstreamObjects({ deployments, others }: Upstream, spec: ApplicationSpec, nodes: Record<string, string>, frame: Frame): KubernetesObject[] {
  return [
    ...others.map((object) => inFrame(isService(object) ? serviceInFrame(object, spec) : object, frame)),
    ...deployments.map(({ service, deployment }) => inFrame(deploymentInFrame(service, deployment, spec, nodes[service], frame), frame)),
  ];
}

/** What stands behind the sidecars: the images of its pods. */
export function upstreamVersion({ deployments }: Upstream): { name: string; version: string } {
  const images = deployments.map(({ deployment }) => containerOf(deployment).image ?? '');
  return { name: 'upstream', version: [...new Set(images)].sort().join(', ') };
}

function isService(object: KubernetesObject): object is V1Service {
  return object.kind === 'Service' && object.apiVersion === 'v1';
}

function isDeployment(object: KubernetesObject): object is V1Deployment {
  return object.kind === 'Deployment' && object.apiVersion === 'apps/v1';
}

function checkCountable({ metadata, spec }: V1Deployment): void {
  const { replicas = 1, template } = spec!;
  const containers = template.spec?.containers.length ?? 0;
  if (replicas !== 1) throw new Error(`the Deployment ${metadata?.name} asks for ${replicas} pods, the workbench accounts for one a service; set replicas to 1`);
  if (containers !== 1) throw new Error(`the pod of the Deployment ${metadata?.name} has ${containers} containers, the workbench accounts for one besides the sidecar; take the others out`);
}

function frontOf(services: V1Service[], deployments: V1Deployment[], { id, entry }: CallGraph): V1Deployment {
  const service = services.find(({ metadata }) => metadata?.name === entry.service);
  if (!service) throw new Error(`the manifests have no Service '${entry.service}', where requests for ${id} begin; they have ${services.map(({ metadata }) => metadata?.name).join(', ') || 'none'}`);
  const behind = deployments.filter((deployment) => leadsTo(service, deployment));
  if (behind.length !== 1) throw new Error(`the Service ${entry.service}, where requests for ${id} begin, leads to ${behind.length} Deployments of the manifests; leave one`);
  return behind[0];
}

function leadsTo({ spec }: V1Service, { spec: deployment }: V1Deployment): boolean {
  const labels = deployment?.template.metadata?.labels ?? {};
  const wanted = Object.entries(spec?.selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** By its label, where no other Deployment has that name; else its own name, as of BookInfo's `reviews-v1` to `-v3`. */
function nameOf(deployment: V1Deployment, all: V1Deployment[]): string {
  const own = deployment.metadata!.name!;
  const label = labelOf(deployment);
  const takers = all.filter((other) => labelOf(other) === label || other.metadata?.name === label);
  return label !== undefined && takers.length === 1 ? label : own;
}

function labelOf({ spec }: V1Deployment): string | undefined {
  const labels = spec?.template.metadata?.labels ?? {};
  return nameLabels.map((name) => labels[name]).find(Boolean);
}

function containerOf({ spec }: V1Deployment): V1Container {
  return spec!.template.spec!.containers[0];
}

function nodeOf(name: string, deployment: V1Deployment, service: V1Service | undefined, asked: CallGraph): ServiceNode {
  const known = asked.services.find((candidate) => candidate.name === name);
  const { ports = [] } = containerOf(deployment);
  const outside = service?.spec?.ports?.[0];
  const target = outside?.targetPort ?? outside?.port ?? ports[0]?.containerPort ?? 0;
  const targetPort = typeof target === 'number' ? target : ports.find((port) => port.name === target)?.containerPort ?? 0;
  return { name, protocol: known?.protocol ?? 'http', port: outside?.port ?? targetPort, targetPort, operations: known?.operations };
}

/**
 * Names of the claims that the manifests' own PersistentVolumes are for. Such a volume is a folder of a node that outlives the
 * namespace: the next run would find the last one's data.
 */
function keptByVolumes(objects: KubernetesObject[]): string[] {
  const classOf = (object: KubernetesObject) => (object as V1PersistentVolumeClaim).spec?.storageClassName;
  const classes = objects.filter(({ kind }) => kind === 'PersistentVolume').map(classOf);
  return objects.filter((object) => object.kind === 'PersistentVolumeClaim' && classes.includes(classOf(object))).map(({ metadata }) => metadata!.name!);
}

/** With an empty folder of the pod's own, on the same disk, in place of each of these claims. */
function withoutClaims(deployment: V1Deployment, claims: string[]): V1Deployment {
  const volumes = deployment.spec!.template.spec!.volumes?.map((volume) => (
    claims.includes(volume.persistentVolumeClaim?.claimName ?? '') ? { name: volume.name, emptyDir: {} } : volume));
  return withPod(deployment, (template) => ({ ...template, spec: { ...template.spec!, volumes } }));
}

function withPod(deployment: V1Deployment, change: (template: V1PodTemplateSpec) => V1PodTemplateSpec): V1Deployment {
  return { ...deployment, spec: { ...deployment.spec!, template: change(deployment.spec!.template) } };
}

function inFrame(object: KubernetesObject, frame: Frame): KubernetesObject {
  const { status: _, ...rest } = object as KubernetesObject & { status?: unknown };
  const { name, labels, annotations } = object.metadata!;
  return { ...rest, metadata: { name, namespace: frame.namespace, labels: { ...labels, ...labelsOf(frame) }, ...(annotations && { annotations }) } };
}

/** The front's is reached from outside the cluster; none takes a port of the nodes that is somebody's, or a load balancer. */
function serviceInFrame(service: V1Service, { graph }: ApplicationSpec): V1Service {
  const { type, ports, ...rest } = service.spec!;
  const own = service.metadata?.name === graph.entry.service ? 'NodePort' : type === 'LoadBalancer' ? 'ClusterIP' : type;
  return { ...service, spec: { ...rest, ...(own && { type: own }), ports: ports?.map(({ nodePort: _, ...port }) => port) } };
}

function deploymentInFrame(service: string, deployment: V1Deployment, { profile }: ApplicationSpec, node: string, frame: Frame): V1Deployment {
  return withPod(deployment, ({ metadata, spec }) => ({
    metadata: {
      labels: { ...metadata?.labels, ...labelsOf(frame), [serviceLabel]: service },
      annotations: { ...metadata?.annotations, ...podAnnotations(profile, metadata?.annotations) },
    },
    spec: {
      ...spec!,
      nodeSelector: { ...spec!.nodeSelector, 'kubernetes.io/hostname': node },
      terminationGracePeriodSeconds: 0,
    },
  }));
}
