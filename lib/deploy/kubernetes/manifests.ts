/**
 * An application as Kubernetes objects: pure, so that a dry run prints them and a run key holds them. A mesh profile is
 * put on them by Istio's own means: a namespace marked for injection, annotations of pods, and Istio's resources.
 */
import type { KubernetesObject, V1Container, V1Deployment, V1Namespace, V1PodTemplateSpec, V1Service } from '@kubernetes/client-node';
import type { Program } from '../../apps/programs.js';
import type { ServiceNode } from '../../apps/call-graph.js';
import type { ApplicationSpec, MeshProfile } from '../application.js';

/** Istio's resources, as far as they are used here. */
export interface IstioObject extends KubernetesObject {
  spec: Record<string, unknown>;
}

export interface Frame {
  namespace: string;
  /** Who put it there: what is left of a killed run is found by it. */
  owner: string;
}

/** What runs in a service's pod. */
export interface PodPrograms {
  serve: Program;
  /** Fills a store, in its pod. */
  seed: Program | null;
}

export interface PodPlan {
  service: ServiceNode;
  programs: PodPrograms;
  /** Kubernetes' name of its node. */
  node: string;
}

const manager = 'sidecar-workbench';

/** How everything that the workbench puts into a cluster is found again. */
export const managedBy = `app.kubernetes.io/managed-by=${manager}`;

/** @param owner e.g. a digest of machine and clone. */
export function ownedBy(owner: string): string {
  return `${managedBy},${manager}/owner=${owner}`;
}

/** Names the service that a pod plays, where the pod's own labels are its authors'. */
export const serviceLabel = `${manager}/service`;

/** Istio's agent leaves nearly all of Envoy's stats out; by these a run sees that every call crossed its sidecars. */
const countedStats = ['http\\..*\\.downstream_rq_total', 'tcp\\..*\\.downstream_cx_total'];

/** Where Istio's profiles have spans sent; neither brings anybody who takes them, so that they are built and lost. */
const spanCollector = { address: 'zipkin.istio-system:9411' };

/** What a pod of each profile asks of the cluster for its sidecar, and how it is set. */
const sidecarAnnotations: Record<Exclude<MeshProfile, 'none'>, Record<string, string>> = {
  default: { ...resources('100m', '128Mi'), ...proxyConfig(1) },
  demo: { ...resources('10m', '40Mi'), ...proxyConfig(100) },
};

/** With these Istio's agent keeps further stats; the pod's own setting, where it has one, holds in place of the configuration's. */
const statsAnnotation = 'sidecar.istio.io/statsInclusionRegexps';

/**
 * What a profile puts on a pod.
 * @param own the pod's annotations, where its authors gave it some.
 */
export function podAnnotations(profile: MeshProfile, own: Record<string, string> = {}): Record<string, string> {
  if (profile === 'none') return {};
  return { ...sidecarAnnotations[profile], ...(own[statsAnnotation] && { [statsAnnotation]: [own[statsAnnotation], ...countedStats].join(',') }) };
}

/**
 * One worker, as all sidecars of the workbench have: Istio's limit of two cores would make it two. What is said of tracing
 * replaces all that the mesh says of it, the tracer included.
 * @param tracedPercent of the requests.
 */
function proxyConfig(tracedPercent: number): Record<string, string> {
  const config = { concurrency: 1, tracing: { sampling: tracedPercent, zipkin: spanCollector }, proxyStatsMatcher: { inclusionRegexps: countedStats } };
  return { 'proxy.istio.io/config': JSON.stringify(config) };
}

/** As in Istio's profiles; one annotation replaces all of them. */
function resources(cpu: string, memory: string): Record<string, string> {
  const prefix = 'sidecar.istio.io/proxy';
  return { [`${prefix}CPU`]: cpu, [`${prefix}Memory`]: memory, [`${prefix}CPULimit`]: '2000m', [`${prefix}MemoryLimit`]: '1024Mi' };
}

/** The namespace of an application and what holds in all of it. */
export function frameObjects(spec: ApplicationSpec, frame: Frame): KubernetesObject[] {
  return [namespaceObject(spec.profile, frame), ...(spec.profile === 'none' ? [] : meshObjects(spec, frame))];
}

export function namespaceObject(profile: MeshProfile, frame: Frame): V1Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: frame.namespace,
      labels: {
        ...labelsOf(frame),
        'istio-injection': profile === 'none' ? 'disabled' : 'enabled',
        // Istio's init container writes iptables rules and agents look at all of a node, which stricter levels forbid.
        'pod-security.kubernetes.io/enforce': 'privileged',
      },
    },
  };
}

function meshObjects({ graph, profile, mtls, rbac, manifests }: ApplicationSpec, frame: Frame): IstioObject[] {
  const istio = (kind: string, apiVersion: string, spec: Record<string, unknown>, name = manager): IstioObject => (
    { apiVersion, kind, metadata: { name, namespace: frame.namespace, labels: labelsOf(frame) }, spec });
  const front = graph.entry.service;
  const logging = profile === 'demo' ? { providers: [{ name: 'envoy' }] } : { disabled: true };
  return [
    istio('PeerAuthentication', 'security.istio.io/v1beta1', { mtls: { mode: mtls ? 'STRICT' : 'DISABLE' } }),
    // Clients are outside the mesh.
    ...(mtls ? [istio('PeerAuthentication', 'security.istio.io/v1beta1', { selector: { matchLabels: { [manifests ? serviceLabel : 'app']: front } }, mtls: { mode: 'PERMISSIVE' } }, front)] : []),
    // Said either way: what the mesh as a whole is set to stays out of the numbers.
    istio('Telemetry', 'telemetry.istio.io/v1alpha1', { accessLogging: [logging] }),
    ...(rbac ? [istio('AuthorizationPolicy', 'security.istio.io/v1beta1', { action: 'ALLOW', rules: [{}] })] : []),
  ];
}

/** The Service by which others call a pod; the front's is also reached from outside the cluster. */
export function serviceObject({ service }: PodPlan, spec: ApplicationSpec, frame: Frame): V1Service {
  const { name, port, targetPort = port, portName } = service;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: frame.namespace, labels: labelsOf(frame, name) },
    spec: {
      type: name === spec.graph.entry.service ? 'NodePort' : 'ClusterIP',
      selector: { app: name },
      ports: [{ name: portName, port, targetPort, protocol: 'TCP' }],
    },
  };
}

/** The pod of a service, by a Deployment of one replica, on its node. */
export function deploymentObject(plan: PodPlan, spec: ApplicationSpec, frame: Frame, image: string): V1Deployment {
  const { name } = plan.service;
  const template: V1PodTemplateSpec = {
    metadata: { labels: labelsOf(frame, name), annotations: podAnnotations(spec.profile) },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': plan.node },
      containers: [containerOf(plan, image)],
      enableServiceLinks: false,
      automountServiceAccountToken: false,
      // Nothing is worth waiting for when a run is over.
      terminationGracePeriodSeconds: 0,
    },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: frame.namespace, labels: labelsOf(frame, name) },
    spec: { replicas: 1, selector: { matchLabels: { app: name } }, template },
  };
}

function containerOf({ service, programs }: PodPlan, image: string): V1Container {
  const port = service.targetPort ?? service.port;
  return {
    name: 'app',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: programs.serve.argv,
    env: Object.entries(programs.serve.env ?? {}).map(([name, value]) => ({ name, value })),
    ports: [{ containerPort: port, protocol: 'TCP' }],
    // Asked until it answers once: a readiness probe would go on asking while costs are measured.
    startupProbe: { tcpSocket: { port }, periodSeconds: 1, failureThreshold: 60 },
    ...(programs.seed && { lifecycle: { postStart: { exec: { command: programs.seed.argv } } } }),
  };
}

/** What our agents' pods carry, and an application's do not. */
export const agentLabel = `${manager}/agent`;

/** @param app of the pod's Service, where the workbench itself names it. */
export function labelsOf({ owner }: Frame, app?: string): Record<string, string> {
  return { 'app.kubernetes.io/managed-by': manager, [`${manager}/owner`]: owner, ...(app && { app, version: 'v1' }) };
}
