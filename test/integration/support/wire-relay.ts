/** Sits between a caller and a callee as a plain TCP relay, and keeps every byte that passes, in order over all relays. */
import * as net from 'node:net';
import type { Address } from '../../../lib/deploy/types.js';

export interface Chunk {
  /** Position among the chunks of all relays of a recording. */
  order: number;
  from: 'caller' | 'callee';
  bytes: Buffer;
}

export interface WireConnection {
  caller: string;
  callee: string;
  chunks: Chunk[];
}

export interface Recording {
  connections: WireConnection[];
  /** Opens a relay; whoever connects there is connected to `target`. */
  relay(caller: string, callee: string, target: Address): Promise<Address>;
  close(): void;
}

export function recordWire(): Recording {
  const connections: WireConnection[] = [];
  const open = new Set<net.Server | net.Socket>();
  let order = 0;
  return {
    connections,
    relay: (caller, callee, target) => new Promise((resolve, reject) => {
      const server = net.createServer({ noDelay: true }, (from) => {
        const connection: WireConnection = { caller, callee, chunks: [] };
        connections.push(connection);
        const to = net.connect({ ...target, noDelay: true });
        const end = () => { from.destroy(); to.destroy(); };
        for (const socket of [from, to]) open.add(socket.once('close', end).on('error', end));
        from.on('data', (bytes) => { connection.chunks.push({ order: order++, from: 'caller', bytes }); to.write(bytes); });
        to.on('data', (bytes) => { connection.chunks.push({ order: order++, from: 'callee', bytes }); from.write(bytes); });
      });
      open.add(server.once('error', reject));
      server.listen(0, '127.0.0.1', () => resolve({ host: '127.0.0.1', port: (server.address() as net.AddressInfo).port }));
    }),
    close: () => open.forEach((one) => ('destroy' in one ? one.destroy() : one.close())),
  };
}
