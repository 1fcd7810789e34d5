/** CPU time of an application's pods, read by the tools of their nodes, each node once. */
import type { ThreadName } from '../counters/node-tools.js';
import { cpuSum, type CpuReading } from '../counters/schedstat.js';
import type { DeployedPod, PodCpu } from './application.js';

/** @throws Error when a process is gone, or a node has no tools. */
export async function readPodCpu(pods: readonly DeployedPod[]): Promise<PodCpu[]> {
  const asked = pods.map(threadsOf);
  const read = new Map<DeployedPod, CpuReading[]>();
  await Promise.all([...new Set(pods.map(({ tools }) => tools))].map(async (tools) => {
    const own = pods.filter((pod) => pod.tools === tools);
    const readings = await tools.readCpu(own.flatMap((pod) => asked[pods.indexOf(pod)]));
    for (const pod of own) read.set(pod, readings.splice(0, asked[pods.indexOf(pod)].length));
  }));
  return pods.map((pod) => {
    const readings = read.get(pod)!;
    const [sidecar, worker] = pod.sidecar ? readings.slice(pod.servicePids.length) : [null, null];
    return { service: pod.service, app: readings.slice(0, pod.servicePids.length).reduce(cpuSum), sidecar, worker };
  });
}

/** All threads of the service's processes and of Envoy, and Envoy's worker alone. */
function threadsOf({ servicePids, sidecar }: DeployedPod): ThreadName[] {
  return [...servicePids.map((pid) => ({ pid })), ...(sidecar ? [{ pid: sidecar.pid }, { pid: sidecar.pid, tid: sidecar.workerTid }] : [])];
}
