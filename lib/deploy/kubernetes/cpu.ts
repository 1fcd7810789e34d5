/**
 * CPU time as the kubelets account it, over the API server: of containers, so of Envoy and Istio's agent together, and only
 * every ten seconds or so. A check on what the scheduler says, and all there is where a cluster forbids our agents.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { cpuSum, type CpuReading } from '../../counters/schedstat.js';
import type { DeployedPod, KubeletCpu, PodCpu } from '../application.js';
import type { KubernetesClient } from './client.js';
import { serviceOfPod } from './pods.js';
import { sidecarContainer } from './sidecar-admin.js';

const freshTimeoutMs = 60_000;

/**
 * Accounts in place of the scheduler's.
 * @throws Error when a kubelet does not tell them yet.
 */
export async function readPodCpuByKubelet(client: KubernetesClient, pods: V1Pod[], deployed: readonly DeployedPod[]): Promise<PodCpu[]> {
  const told = await readKubelets(client, pods);
  return deployed.map(({ service, sidecar }) => {
    const { [sidecarContainer]: proxy, ...own } = told.get(service) ?? {};
    if (Object.keys(own).length === 0 || (sidecar && !proxy)) throw new Error(`the kubelet does not tell the CPU time of ${service} yet; ask again in ten seconds`);
    return { service, app: Object.values(own).reduce(cpuSum), sidecar: sidecar ? proxy : null, worker: null };
  });
}

/**
 * Waits until the kubelets have looked at every sidecar's container after now.
 * @throws Error when one does not within a minute.
 */
export async function freshKubeletCpu(client: KubernetesClient, pods: V1Pod[], services: readonly string[]): Promise<KubeletCpu[]> {
  const nowUs = Date.now() * 1000;
  for (;;) {
    const told = await readKubelets(client, pods);
    const sidecars = services.map((service) => ({ service, sidecar: told.get(service)?.[sidecarContainer] }));
    if (sidecars.every(({ sidecar }) => sidecar && sidecar.atUs > nowUs)) return sidecars.map(({ service, sidecar }) => ({ service, atUs: sidecar!.atUs, runNs: sidecar!.runNs }));
    if (Date.now() * 1000 > nowUs + freshTimeoutMs * 1000) throw new Error(`the kubelets did not look at all sidecars within ${freshTimeoutMs / 1000} s`);
    await sleep(1_000);
  }
}

/** By service, then by container. */
type ContainerCpu = Map<string, Record<string, CpuReading>>;

/** What the kubelets of the pods' nodes count, each reading with the time at which it was taken. */
async function readKubelets(client: KubernetesClient, pods: V1Pod[]): Promise<ContainerCpu> {
  const nodes = [...new Set(pods.map(({ spec }) => spec!.nodeName!))];
  const summaries = await Promise.all(nodes.map((node) => client.get(`/api/v1/nodes/${node}/proxy/stats/summary`)));
  const byUid = new Map(pods.map(({ metadata }) => [metadata!.uid!, serviceOfPod({ metadata })]));
  return parseSummaries(summaries, byUid);
}

interface Summary {
  pods?: { podRef: { uid: string }; containers?: { name: string; cpu?: { time: string; usageCoreNanoSeconds?: number } }[] }[];
}

/**
 * @param summaries pages /stats/summary of kubelets.
 * @param services of the pods that matter, by uid.
 */
export function parseSummaries(summaries: string[], services: Map<string, string>): ContainerCpu {
  const readings: ContainerCpu = new Map();
  for (const { podRef, containers = [] } of summaries.flatMap((text) => (JSON.parse(text) as Summary).pods ?? [])) {
    const service = services.get(podRef.uid);
    if (service === undefined) continue;
    const known = containers.filter(({ cpu }) => cpu?.usageCoreNanoSeconds !== undefined);
    readings.set(service, Object.fromEntries(known.map(({ name, cpu }) => [name, asReading(cpu!.time, cpu!.usageCoreNanoSeconds!)])));
  }
  return readings;
}

/** A kubelet counts run time alone; of the rest there is no number. */
function asReading(time: string, runNs: number): CpuReading {
  return { atUs: Date.parse(time) * 1000, runNs, waitNs: NaN, timeslices: NaN, userTicks: 0, kernelTicks: 0 };
}
