/**
 * CPU time of an application's pods. Where a pod's node is this machine, from the scheduler's accounts of its processes;
 * elsewhere from the node's kubelet, which counts whole containers every few seconds.
 */
import type { V1Pod } from '@kubernetes/client-node';
import { readCpu, type CpuReading } from '../../counters/schedstat.js';
import type { DeployedPod, PodCpu } from '../application.js';
import type { KubernetesClient } from './client.js';
import { serviceOfPod } from './pods.js';
import { sidecarContainer } from './sidecar-admin.js';

/**
 * @param pods in the order of `deployed`.
 * @throws Error when a process is gone, or a kubelet does not tell.
 */
export async function readPodCpu(client: KubernetesClient, pods: V1Pod[], deployed: DeployedPod[]): Promise<PodCpu[]> {
  if (deployed.every(({ servicePids }) => servicePids.length > 0)) return deployed.map(readLocal);
  const told = await readKubelets(client, pods);
  return deployed.map(({ service, sidecar }) => {
    const containers = told.get(service) ?? {};
    if (!containers.app) throw new Error(`the kubelet does not tell the CPU time of ${service} yet; ask again in ten seconds`);
    return { service, app: containers.app, sidecar: sidecar ? containers[sidecarContainer] ?? null : null, worker: null };
  });
}

function readLocal({ service, servicePids, sidecar }: DeployedPod): PodCpu {
  const app = servicePids.map((pid) => readCpu(pid)).reduce(sum);
  return { service, app, sidecar: sidecar && readCpu(sidecar.pid), worker: sidecar && readCpu(sidecar.pid, sidecar.workerTid) };
}

function sum(a: CpuReading, b: CpuReading): CpuReading {
  return {
    atUs: a.atUs, runNs: a.runNs + b.runNs, waitNs: a.waitNs + b.waitNs, timeslices: a.timeslices + b.timeslices,
    userTicks: a.userTicks + b.userTicks, kernelTicks: a.kernelTicks + b.kernelTicks,
  };
}

/** By service, then by container. */
export type KubeletCpu = Map<string, Record<string, CpuReading>>;

/** What the kubelets of the pods' nodes count, each reading with the time at which it was taken. */
export async function readKubelets(client: KubernetesClient, pods: V1Pod[]): Promise<KubeletCpu> {
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
export function parseSummaries(summaries: string[], services: Map<string, string>): KubeletCpu {
  const readings: KubeletCpu = new Map();
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
