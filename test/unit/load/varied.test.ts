import * as http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { policies } from '../../../lib/deploy/catalogue.js';
import { connectVaried, plainRequest, variedRequest } from '../../../lib/load/varied.js';

const servers: http.Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close().closeAllConnections()));

/** Remembers what it is asked, and over which connection. */
async function listen(status = 200) {
  const seen: { socket: Socket; url: string; headers: http.IncomingHttpHeaders; inFlight: number }[] = [];
  let inFlight = 0;
  const server = http.createServer(({ socket, url, headers }, response) => {
    seen.push({ socket, url: url!, headers, inFlight: ++inFlight });
    response.on('close', () => inFlight--).writeHead(status).end('x'.repeat(Number(url!.slice(1))));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { seen, target: { address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, tls: false } };
}

describe('connectVaried', () => {
  it('sends one request after another over the connections in turn, and keeps them', async () => {
    const { seen, target } = await listen();
    const client = connectVaried(target, 3);
    await client.send(4);
    await client.send(5);
    client.close();
    const sockets = [...new Set(seen.map(({ socket }) => socket))];
    expect(seen.map(({ socket }) => sockets.indexOf(socket))).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(seen.every(({ inFlight }) => inFlight === 1)).toBe(true);
    expect(new Set(seen.map(({ headers }) => headers['x-request-number'])).size).toBe(9);
  });

  it('sends the same bare request again and again when given one', async () => {
    const { seen, target } = await listen();
    const client = connectVaried(target, 2, () => plainRequest('/16'));
    await client.send(4);
    client.close();
    expect(seen.map(({ url, headers }) => [url, headers])).toEqual(Array(4).fill(['/16', { host: `127.0.0.1:${target.address.port}` }]));
    expect(new Set(seen.map(({ socket }) => socket)).size).toBe(2);
  });

  it('says which request was refused', async () => {
    const { target } = await listen(503);
    const client = connectVaried(target, 2);
    await expect(client.send(1)).rejects.toThrow(`request 0 to 127.0.0.1:${target.address.port} failed: answered with 503, not 200`);
    client.close();
  });
});

describe('variedRequest', () => {
  const requests = Array.from({ length: 1000 }, (_, i) => variedRequest(i));

  it('is another one for every index, the same for the same', () => {
    expect(new Set(requests.map((request) => JSON.stringify(request))).size).toBe(1000);
    expect(variedRequest(17)).toEqual(requests[17]);
  });

  it('varies path, user agent, lengths, and which headers there are', () => {
    const distinct = (of: (request: (typeof requests)[number]) => unknown) => new Set(requests.map(of)).size;
    expect(distinct(({ path }) => path)).toBeGreaterThan(500);
    expect(distinct(({ headers }) => headers['user-agent'])).toBe(7);
    expect(distinct(({ headers }) => Object.keys(headers).join())).toBeGreaterThan(200);
    expect(distinct((request) => JSON.stringify(request).length)).toBeGreaterThan(300);
  });

  it('asks the echo server for about 100 bytes', () => {
    const bytes = requests.map(({ path }) => Number(/^\/(\d+)$/.exec(path)![1]));
    expect(Math.min(...bytes)).toBe(50);
    expect(Math.max(...bytes)).toBe(150);
  });

  it('has no header that a policy reads', () => {
    const read = policies.flatMap(({ filters }) => filters.flatMap((filter) => ('header' in filter ? [filter.header] : [])));
    expect(read).toContain('x-version');
    expect(requests.flatMap(({ headers }) => Object.keys(headers)).filter((name) => read.includes(name))).toEqual([]);
  });
});
