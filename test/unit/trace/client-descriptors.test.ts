import * as fs from 'node:fs';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { clientDescriptors } from '../../../lib/trace/client-descriptors.js';

const open: { destroy(): void }[] = [];
afterEach(() => open.splice(0).forEach((socket) => socket.destroy()));

const listen = () => new Promise<net.Server>((resolve) => {
  const server = net.createServer((socket) => open.push(socket)).listen(0, '127.0.0.1', () => resolve(server));
  open.push({ destroy: () => server.close() });
});
const connectTo = (port: number) => new Promise<void>((resolve) => {
  open.push(net.connect(port, '127.0.0.1', () => setTimeout(resolve, 20)));
});
const sidecarAt = (server: net.Server) => ({ pid: process.pid, address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } });

it('finds the accepted ends of the connections to the listener, and neither their other ends nor other sockets', async () => {
  const [server, other] = [await listen(), await listen()];
  await connectTo(sidecarAt(other).address.port);
  for (let i = 0; i < 3; i++) await connectTo(sidecarAt(server).address.port);
  const descriptors = clientDescriptors(sidecarAt(server));
  expect(descriptors).toHaveLength(3);
  const links = descriptors.map((fd) => fs.readlinkSync(`/proc/self/fd/${fd}`));
  expect(new Set(links).size).toBe(3);
  expect(descriptors).toEqual([...descriptors].sort((a, b) => a - b));
  expect(clientDescriptors(sidecarAt(other))).toHaveLength(1);
});

it('says that nobody is connected', async () => {
  const server = await listen();
  expect(() => clientDescriptors(sidecarAt(server))).toThrow(/^no client is connected to 127.0.0.1:\d+ of process \d+; connect/);
});
