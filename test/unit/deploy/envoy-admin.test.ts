import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isServing, readAdminAddress, readListenerAddress, readStats } from '../../../lib/deploy/envoy-admin.js';
import type { Address } from '../../../lib/deploy/types.js';

/** Answers of Envoy 1.40's admin page, shortened. */
const stats = '{"stats":[{"name":"listener_manager.workers_started","value":1},{"name":"server.live","value":1},{"histograms":{"supported_quantiles":[0,25]}}]}';
const listeners = '{"listener_statuses":[{"name":"ingress","local_address":{"socket_address":{"address":"127.0.0.1","port_value":41233}}},'
  + '{"name":"local","local_address":{"pipe":{"path":"/tmp/x"}}}]}';

let answer = '';
let server: http.Server;
let admin: Address;
beforeAll(async () => {
  server = http.createServer((_, response) => response.end(answer));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  admin = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const foreign = [
  ['nothing', ''],
  ['a page that is cut off', stats.slice(0, 60)],
  ['another server\'s page', '<html>It works!</html>'],
  ['JSON of something else', '{"versions":[]}'],
  ['JSON that is no object', 'null'],
];

describe('stats', () => {
  it('are counters and gauges by name, histograms left out, in any order', async () => {
    answer = stats;
    const read = await readStats(admin);
    expect(read).toEqual({ 'listener_manager.workers_started': 1, 'server.live': 1 });
    answer = JSON.stringify({ stats: JSON.parse(stats).stats.reverse() });
    expect(await readStats(admin)).toEqual(read);
    expect(await isServing(admin)).toBe(true);
  });

  it.each(foreign)('refuse %s, naming the page', async (_, text) => {
    answer = text;
    await expect(readStats(admin)).rejects.toThrow(`http://127.0.0.1:${admin.port}/stats?format=json:1: no list "stats" in ${JSON.stringify(text.slice(0, 60))}`);
  });
});

describe('listeners', () => {
  it('say which port the kernel chose', async () => {
    answer = listeners;
    expect(await readListenerAddress(admin, 'ingress')).toEqual({ host: '127.0.0.1', port: 41233 });
  });

  it.each(foreign)('refuse %s, naming the page', async (_, text) => {
    answer = text;
    await expect(readListenerAddress(admin, 'ingress')).rejects.toThrow('/listeners?format=json:1: no list "listener_statuses" in ');
  });

  it('name those that are there when the wanted one is not, and what one without a port has', async () => {
    answer = listeners;
    await expect(readListenerAddress(admin, 'egress')).rejects.toThrow('Envoy has no listener "egress"; it has: ingress, local');
    await expect(readListenerAddress(admin, 'local')).rejects.toThrow('listener "local" has no TCP address but {"pipe":{"path":"/tmp/x"}}');
  });
});

describe('the file with the admin address', () => {
  it.each([
    ['whole', '127.0.0.1:9901\n', { host: '127.0.0.1', port: 9901 }],
    ['empty, as Envoy has only just created it', '', null],
    ['cut off before the port', '127.0.0.1:', null],
    ['of something else', 'hello\n', null],
  ])('that is %s', (_, text, address) => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'admin-')), 'admin');
    fs.writeFileSync(file, text);
    expect(readAdminAddress(file)).toEqual(address);
    fs.rmSync(path.dirname(file), { recursive: true });
  });
});
