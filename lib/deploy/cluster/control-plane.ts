/** The programs that make nodes a cluster: etcd, the API server, the controllers and the scheduler, all on the first node. */
import type { ClusterNode } from './node.js';
import { inNode, network } from './places.js';

const etcd = 'http://127.0.0.1:2379';

/** Starts etcd and the API server, which waits for it. */
export async function startApiServer(node: ClusterNode): Promise<void> {
  await node.start('etcd', [
    'etcd', '--data-dir=/run/etcd', `--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`, '--listen-peer-urls=http://127.0.0.1:2380',
    // The data end with the node: there is nothing to save for.
    '--unsafe-no-fsync',
  ]);
  await node.start('kube-apiserver', [
    inNode('kubernetes', 'kube-apiserver'),
    `--etcd-servers=${etcd}`,
    `--advertise-address=${node.address}`,
    `--service-cluster-ip-range=${network.services}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${certificate('service-accounts.pub')}`,
    `--service-account-signing-key-file=${certificate('service-accounts.key')}`,
    `--client-ca-file=${certificate('ca.crt')}`,
    `--tls-cert-file=${certificate('apiserver.crt')}`,
    `--tls-private-key-file=${certificate('apiserver.key')}`,
    `--kubelet-client-certificate=${certificate('admin.crt')}`,
    `--kubelet-client-key=${certificate('admin.key')}`,
    // Nodes' names are in no name server.
    '--kubelet-preferred-address-types=InternalIP',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    '--endpoint-reconciler-type=lease',
  ]);
}

/** Starts what acts on the API server's objects; it must be ready. */
export async function startControllers(node: ClusterNode): Promise<void> {
  await node.start('kube-controller-manager', [
    inNode('kubernetes', 'kube-controller-manager'),
    ...asUser('controller-manager'),
    `--service-account-private-key-file=${certificate('service-accounts.key')}`,
    `--root-ca-file=${certificate('ca.crt')}`,
    `--cluster-signing-cert-file=${certificate('ca.crt')}`,
    `--cluster-signing-key-file=${certificate('ca.key')}`,
    '--use-service-account-credentials=true',
    '--leader-elect=false',
  ]);
  await node.start('kube-scheduler', [inNode('kubernetes', 'kube-scheduler'), ...asUser('scheduler'), '--leader-elect=false']);
}

function asUser(user: string): string[] {
  const file = certificate(`${user}.kubeconfig`);
  return [`--kubeconfig=${file}`, `--authentication-kubeconfig=${file}`, `--authorization-kubeconfig=${file}`];
}

function certificate(file: string): string {
  return inNode('state', 'certificates', file);
}
