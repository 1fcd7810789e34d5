/** Which of a sidecar's file descriptors are its clients' connections: a read from one begins a request. */
import type { Address } from '../deploy/types.js';
import { readSockets } from '../host/sockets.js';

/**
 * @param sidecar its process, and the address its clients connect to.
 * @returns descriptors in the sidecar's process, ascending.
 * @throws Error when no client is connected, or the process is gone.
 */
export function clientDescriptors({ pid, address }: { pid: number; address: Address }): number[] {
  const descriptors = readSockets(pid)
    .filter(({ state, local }) => state === 'established' && local.port === address.port)
    .flatMap((socket) => socket.descriptors);
  if (descriptors.length === 0) {
    throw new Error(`no client is connected to ${address.host}:${address.port} of process ${pid}; connect, and get an answer on every connection, before tracing`);
  }
  return descriptors.sort((a, b) => a - b);
}
