/** Free and taken TCP ports. */
import * as net from 'node:net';
import type { Address } from './types.js';

/**
 * Asserts that nothing listens at an address; port 0 always passes. Asked before Envoy starts because two Envoys on
 * one port would silently share its connections (SO_REUSEPORT) instead of failing.
 * @throws Error when the port is taken or not ours to take.
 */
export async function assertFree({ host, port }: Address): Promise<void> {
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`;
      reject(new Error(`port ${host}:${port} ${why}; choose another, or 0 for any free one`));
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}
