/** The programs of a node: what runs containers, the kubelet and kube-proxy, with the settings that matter here. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { imageNames } from './images.js';
import { runInNode, type ClusterNode } from './node.js';
import { clusterPath, inNode, network, statePath } from './places.js';

const containerdSocket = '/run/containerd/containerd.sock';
const containerdTimeoutMs = 30_000;
/** Its client, in the namespace of images and containers that a kubelet uses. */
const ctr = ['ctr', '--address', containerdSocket, '--namespace', 'k8s.io'];

/**
 * Starts containerd and waits until it answers.
 * @throws Error when it does not in time.
 */
export async function startContainerd(node: ClusterNode): Promise<void> {
  writeState(node, 'containerd.toml', containerdConfig(node));
  writeState(node, 'cni/10-bridge.conflist', JSON.stringify(bridgeNetwork(node)));
  await node.start('containerd', ['containerd', '--config', state(node, 'containerd.toml')]);
  const deadline = Date.now() + containerdTimeoutMs;
  while (!await answers(node)) {
    if (Date.now() > deadline) throw new Error(`containerd of ${node.name} does not answer after ${containerdTimeoutMs / 1000} s; its log: ${statePath(node.name, 'containerd.log')}`);
    await sleep(50);
  }
}

/** Asked through its socket's file first: a client costs a tenth of a second each time. */
async function answers(node: ClusterNode): Promise<boolean> {
  return node.run(['sh', '-c', `test -S ${containerdSocket} && ${[...ctr, 'version'].join(' ')}`]).then(() => true, () => false);
}

/**
 * Gives a node's containerd an image.
 * @param pid process 1 of the node.
 * @param file below `.workbench/cluster/`.
 */
export async function importImage(pid: number, file: string): Promise<void> {
  const there = inNode(path.relative(clusterPath(), file));
  await runInNode(pid, [...ctr, 'images', 'import', there]);
}

/** Starts the kubelet and kube-proxy; the node is ready when Kubernetes says so. */
export async function startNodeAgents(node: ClusterNode): Promise<void> {
  writeState(node, 'kubelet.json', JSON.stringify(kubeletConfig(node)));
  // Pods' names are the cluster's; this machine's own name servers are nobody's business.
  writeState(node, 'resolv.conf', '');
  await node.start('kubelet', [
    inNode('kubernetes', 'kubelet'), `--config=${state(node, 'kubelet.json')}`, `--kubeconfig=${certificate(`${node.name}-kubelet.kubeconfig`)}`,
    `--hostname-override=${node.name}`, `--node-ip=${node.address}`, `--root-dir=${state(node, 'kubelet')}`, `--node-labels=sidecar-workbench/node=${node.name}`,
  ]);
  await node.start('kube-proxy', [
    inNode('kubernetes', 'kube-proxy'), `--kubeconfig=${certificate('proxy.kubeconfig')}`, `--hostname-override=${node.name}`,
    `--cluster-cidr=${network.pods}`, '--proxy-mode=iptables',
    // Limits of connection tracking are the machine's.
    '--conntrack-max-per-core=0', '--conntrack-min=0', '--conntrack-tcp-timeout-established=0', '--conntrack-tcp-timeout-close-wait=0',
  ]);
}

function containerdConfig(node: ClusterNode): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${state(node, 'containerd')}"
state = "/run/containerd"
[grpc]
  address = "${containerdSocket}"
[${cri}]
  sandbox_image = "${imageNames.pause}"
  # A container that lacks CAP_SYS_RESOURCE could start no pod otherwise.
  restrict_oom_score_adj = true
  [${cri}.cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${state(node, 'cni')}"
  [${cri}.containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
}

/** Pods of a node share a bridge; packets to other nodes' pods are routed. */
function bridgeNetwork(node: ClusterNode): object {
  const ipam = { type: 'host-local', ranges: [[{ subnet: node.podSubnet }]], routes: [{ dst: '0.0.0.0/0' }], dataDir: '/run/cni' };
  const plugins = [{ type: 'bridge', bridge: 'pods', isGateway: true, ipMasq: false, hairpinMode: true, ipam }, { type: 'portmap', capabilities: { portMappings: true } }];
  return { cniVersion: '0.4.0', name: 'pods', plugins };
}

function kubeletConfig(node: ClusterNode): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: node.address,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: certificate('ca.crt') } },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certificate(`${node.name}-serving.crt`),
    tlsPrivateKeyFile: certificate(`${node.name}-serving.key`),
    cgroupDriver: 'cgroupfs',
    cgroupRoot: node.cgroup,
    cgroupsPerQOS: true,
    failSwapOn: false,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    clusterDomain: 'cluster.local',
    clusterDNS: [network.dnsService],
    resolvConf: state(node, 'resolv.conf'),
    volumePluginDir: state(node, 'volume-plugins'),
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '100Mi' },
    maxPods: 110,
    // Pods come up one after the other otherwise, a tenth of a second apart.
    registryPullQPS: 0,
    kubeAPIQPS: 100,
    kubeAPIBurst: 200,
  };
}

/** A path in the node's state as the node sees it. */
function state({ name }: ClusterNode, file: string): string {
  return inNode('state', name, file);
}

function certificate(file: string): string {
  return inNode('state', 'certificates', file);
}

function writeState({ name }: ClusterNode, file: string, text: string): void {
  const target = statePath(name, file);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.writeFileSync(target, text);
}
