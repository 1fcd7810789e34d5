import * as net from 'node:net';
import { describe, expect, test } from 'vitest';
import { connectionsBetween, parseTcpTable, readSockets, type OwnedSocket } from '../../../lib/host/sockets.js';

/**
 * Captured with `cat /proc/net/tcp` while service A called B through both sidecars; of each process, named in the
 * first column here, the sockets whose inodes /proc/PID/fd listed, and one that was closing and had no process.
 */
const captured: [owner: string, line: string][] = [
  ['A', '  13: 0100007F:E1AC 0100007F:B25B 01 00000000:00000000 02:0000005C 00000000     0        0 841621 3 00000000f45bea9c 20 4 30 11 -1                   '],
  ['egress', '   9: 0100007F:B25B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 841595 1 00000000303536aa 100 0 0 10 0                    '],
  ['egress', '  42: 0100007F:DBDC 0100007F:865B 01 00000000:00000000 00:00000000 00000000     0        0 835483 2 0000000031a00709 20 4 30 11 -1                   '],
  ['egress', ' 183: 0100007F:B25B 0100007F:E1AC 01 00000000:00000000 00:00000000 00000000     0        0 835480 2 00000000b4c09825 20 4 30 11 -1                   '],
  ['ingress', '   5: 0100007F:865B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 841473 1 00000000e500ed2a 100 0 0 10 0                    '],
  ['ingress', '  69: 0100007F:865B 0100007F:DBDC 01 00000000:00000000 00:00000000 00000000     0        0 835484 2 0000000040e8ba55 20 4 30 11 -1                   '],
  ['nobody', '  14: 0100007F:C3A6 0100007F:B4D5 06 00000000:00000000 03:000006E2 00000000     0        0 0 3 000000002140f25f                                      '],
];
const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     ';
const table = [header, ...captured.map(([, line]) => line), ''].join('\n');

function owned(order = captured.map((_, i) => i)): OwnedSocket[] {
  const sockets = parseTcpTable(table);
  return order.map((i) => ({ ...sockets[i], owner: captured[i][0] }));
}

describe('parseTcpTable', () => {
  test('reads addresses in the byte order of the machine, ports, states and inodes', () => {
    const sockets = parseTcpTable(table);
    expect(sockets[0]).toEqual({ inode: 841621, state: 'established', local: { host: '127.0.0.1', port: 57772 }, remote: { host: '127.0.0.1', port: 45659 } });
    expect(sockets[1]).toMatchObject({ state: 'listening', remote: { host: '0.0.0.0', port: 0 } });
    expect(sockets[6]).toMatchObject({ state: 'other', inode: 0 });
  });
  test('names the line that is cut short, and text that is no table', () => {
    expect(() => parseTcpTable(`${header}\n   0: 0100007F:E1AC 0100007F:B25B 01 0000`)).toThrow('/proc/net/tcp line 2 is not a socket: "0: 0100007F:E1AC');
    expect(() => parseTcpTable('No such file')).toThrow('starts with "No such file", not with its header');
  });
});

describe('connectionsBetween', () => {
  const chain = [
    { from: 'A', to: 'egress', fromPort: 57772, toPort: 45659 },
    { from: 'egress', to: 'ingress', fromPort: 56284, toPort: 34395 },
  ];
  test('says who opened each connection, also of one that both accepts and opens', () => {
    expect(connectionsBetween(owned())).toEqual(chain);
  });
  test('does not depend on the order of sockets', () => {
    const found = connectionsBetween(owned([6, 5, 4, 3, 2, 1, 0]));
    expect(found.sort((a, b) => a.from.localeCompare(b.from))).toEqual(chain);
  });
  test('leaves out a connection of which only one end is known', () => {
    expect(connectionsBetween(owned().filter(({ owner }) => owner !== 'ingress'))).toEqual([chain[0]]);
  });
});

test('readSockets finds the sockets this very process holds', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  expect(readSockets(process.pid).filter(({ local }) => local.port === port)).toMatchObject([{ state: 'listening', local: { host: '127.0.0.1' } }]);
  await new Promise((resolve) => server.close(resolve));
  expect(readSockets(process.pid).filter(({ local }) => local.port === port)).toEqual([]);
});
