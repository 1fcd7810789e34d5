/** Whether a cluster can be brought up on this machine, and if not, why and what to do. */
import * as fs from 'node:fs';
import { run } from '../../host/process.js';
import { clusterPath } from './places.js';

/** Of environment/cluster/build.mjs; the last that is made of each. */
const parts = [
  'debian/usr/bin/etcd', 'kubernetes/kube-apiserver', 'kubernetes/kube-controller-manager', 'kubernetes/kube-scheduler', 'kubernetes/kubelet',
  'kubernetes/kube-proxy', 'istio/pilot-discovery', 'istio/pilot-agent', 'istio/envoy_bootstrap.json', 'istio/manifest.yaml', 'coredns/coredns', 'pause/pause',
];

/** Null when it can; nothing is changed by asking. */
export async function whyNoCluster(): Promise<string | null> {
  return await whyNoNodes() ?? whyNotBuilt();
}

/** Why this machine cannot have nodes, whatever is built. */
export async function whyNoNodes(): Promise<string | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return `a cluster needs Linux on x86-64, this is ${process.platform} on ${process.arch}; use such a machine`;
  if (process.getuid?.() !== 0) return 'a cluster needs root, for namespaces, mounts and control groups; run as root';
  const { exitCode, stderr } = await run(['unshare', '--mount', '--net', '--pid', '--fork', '--mount-proc', 'true'], { allow: 'any' });
  if (exitCode !== 0) return `this machine gives no namespaces (${stderr.trim().split('\n')[0]}); in a container, run with --privileged`;
  return null;
}

function whyNotBuilt(): string | null {
  const missing = parts.find((part) => !fs.existsSync(clusterPath(part)));
  return missing ? `${clusterPath(missing)} is not built; run: npm run cluster -- build` : null;
}
