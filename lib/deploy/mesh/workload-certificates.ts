/** Certificates of an application's workloads, signed by a certificate authority of this clone; Istio's control plane would issue them. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { workbenchPath } from '../../host/paths.js';
import { run } from '../../host/process.js';
import { putInPlace } from '../certificate.js';
import { spiffeId, type WorkloadCertificate } from './mutual-tls.js';

const days = '3650';
/** Istio's default. */
const newKey = ['-newkey', 'rsa:2048', '-nodes', '-days', days];

/**
 * `.workbench/mesh-tls/<service>/{cert,key}.pem`, made where missing; the name in each is the workload's SPIFFE id.
 * @throws CommandFailed when openssl is missing.
 */
export async function workloadCertificates(services: string[]): Promise<Map<string, WorkloadCertificate>> {
  const authority = await ensureAuthority();
  return new Map(await Promise.all(services.map(async (service) => [service, await ensureCertificate(service, authority)] as const)));
}

interface Pair {
  cert: string;
  key: string;
}

async function ensureAuthority(): Promise<Pair> {
  return ensurePair('authority', ['-subj', '/O=cluster.local', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']);
}

async function ensureCertificate(service: string, authority: Pair): Promise<WorkloadCertificate> {
  // Istio's have no subject; openssl wants one.
  const pair = await ensurePair(service, [
    '-subj', `/CN=${service}`, '-CA', authority.cert, '-CAkey', authority.key,
    '-addext', `subjectAltName=critical,URI:${spiffeId(service)}`, '-addext', 'basicConstraints=critical,CA:FALSE',
    '-addext', 'keyUsage=critical,digitalSignature,keyEncipherment', '-addext', 'extendedKeyUsage=serverAuth,clientAuth',
  ]);
  return { ...pair, ca: authority.cert };
}

async function ensurePair(name: string, request: string[]): Promise<Pair> {
  const folder = workbenchPath('mesh-tls', name);
  const files = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
  if (fs.existsSync(files.cert) && fs.existsSync(files.key)) return files;
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  const fresh = fs.mkdtempSync(`${folder}-`);
  try {
    await run(['openssl', 'req', '-x509', ...newKey, ...request, '-keyout', path.join(fresh, 'key.pem'), '-out', path.join(fresh, 'cert.pem')]);
    putInPlace(fresh, folder);
  } finally {
    fs.rmSync(fresh, { recursive: true, force: true });
  }
  return files;
}
