/** Certificates and kubeconfigs of the cluster on this machine: an authority of its own, made anew for every cluster. */
import { generateKeyPairSync } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { run } from '../../host/process.js';
import { apiServer, network, type NodePlan } from './places.js';

const validDays = 365;

/** Who a certificate names: Kubernetes takes the user from CN and the groups from O. */
interface Identity {
  /** Of the files `<file>.crt` and `<file>.key`. */
  file: string;
  subject: string;
  /** Subject alternative names of a server's certificate. */
  names?: string[];
}

const users: Identity[] = [
  { file: 'admin', subject: '/O=system:masters/CN=workbench-admin' },
  { file: 'controller-manager', subject: '/CN=system:kube-controller-manager' },
  { file: 'scheduler', subject: '/CN=system:kube-scheduler' },
  { file: 'proxy', subject: '/CN=system:kube-proxy' },
];

/**
 * Makes the authority, certificates and kubeconfigs (`<file>.kubeconfig`) in a folder.
 * @throws CommandFailed when openssl is missing or older than 3.0.
 */
export async function makeCertificates(folder: string, nodes: NodePlan[]): Promise<void> {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Without a file of our own, the system's would add that every certificate is an authority.
  fs.writeFileSync(path.join(folder, 'openssl.cnf'), '[req]\ndistinguished_name = subject\n[subject]\n');
  await run([...newCertificate(folder, 'ca', '/CN=sidecar-workbench-cluster'), '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,digitalSignature']);
  const identities = [...users, apiServerIdentity(nodes[0]), ...nodes.flatMap(nodeIdentities)];
  await Promise.all(identities.map((identity) => sign(folder, identity)));
  makeServiceAccountKey(folder);
  for (const { file } of identities.filter(({ names }) => !names)) writeKubeconfig(folder, file);
}

function apiServerIdentity({ address }: NodePlan): Identity {
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  return { file: 'apiserver', subject: '/CN=kube-apiserver', names: [...names.map((name) => `DNS:${name}`), `IP:${network.apiService}`, `IP:${address}`] };
}

function nodeIdentities({ name, address }: NodePlan): Identity[] {
  return [
    { file: `${name}-kubelet`, subject: `/O=system:nodes/CN=system:node:${name}` },
    { file: `${name}-serving`, subject: `/O=system:nodes/CN=system:node:${name}`, names: [`DNS:${name}`, `IP:${address}`] },
  ];
}

async function sign(folder: string, { file, subject, names }: Identity): Promise<void> {
  const extensions = [
    'basicConstraints=critical,CA:FALSE',
    `extendedKeyUsage=${names ? 'serverAuth' : 'clientAuth'}`,
    ...(names ? [`subjectAltName=${names.join(',')}`] : []),
  ];
  const authority = ['-CA', path.join(folder, 'ca.crt'), '-CAkey', path.join(folder, 'ca.key')];
  await run([...newCertificate(folder, file, subject), ...authority, ...extensions.flatMap((extension) => ['-addext', extension])]);
}

/** Elliptic curves: keys take milliseconds to make, where RSA takes seconds for a cluster's dozen. */
function newCertificate(folder: string, file: string, subject: string): string[] {
  return [
    'openssl', 'req', '-x509', '-config', path.join(folder, 'openssl.cnf'), '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-days', String(validDays), '-subj', subject, '-keyout', path.join(folder, `${file}.key`), '-out', path.join(folder, `${file}.crt`),
  ];
}

/** Signs the tokens of service accounts. */
function makeServiceAccountKey(folder: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  fs.writeFileSync(path.join(folder, 'service-accounts.key'), privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  fs.writeFileSync(path.join(folder, 'service-accounts.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
}

/** With the certificates inside, so that the file can be given to any client on this machine. */
function writeKubeconfig(folder: string, user: string): void {
  const data = (file: string) => fs.readFileSync(path.join(folder, file)).toString('base64');
  const name = 'sidecar-workbench';
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: apiServer, 'certificate-authority-data': data('ca.crt') } }],
    users: [{ name: user, user: { 'client-certificate-data': data(`${user}.crt`), 'client-key-data': data(`${user}.key`) } }],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name,
  };
  fs.writeFileSync(path.join(folder, `${user}.kubeconfig`), JSON.stringify(kubeconfig), { mode: 0o600 });
}
