/** The self-signed certificate of policies with TLS, made once for a clone. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { workbenchPath } from '../host/paths.js';
import { run } from '../host/process.js';
import type { Certificate } from './policies/downstream-tls.js';

const tenYearsDays = 3650;

/**
 * `.workbench/tls/{cert,key}.pem` (RSA 2048, as the paper's), made at first use.
 * @throws CommandFailed when openssl is missing.
 */
export async function ensureCertificate(): Promise<Certificate> {
  const folder = workbenchPath('tls');
  const files = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
  if (fs.existsSync(files.cert) && fs.existsSync(files.key)) return files;
  fs.mkdirSync(workbenchPath(), { recursive: true });
  const fresh = fs.mkdtempSync(workbenchPath('tls-'));
  try {
    await run([
      'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', String(tenYearsDays), '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout', path.join(fresh, 'key.pem'), '-out', path.join(fresh, 'cert.pem'),
    ]);
    putInPlace(fresh, folder);
  } finally {
    fs.rmSync(fresh, { recursive: true, force: true });
  }
  return files;
}

/** Renames a folder whose files are whole, so that they appear together; when another workbench was faster, its folder stays. */
export function putInPlace(fresh: string, folder: string): void {
  try {
    fs.renameSync(fresh, folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
