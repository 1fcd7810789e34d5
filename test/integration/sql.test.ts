import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlContrib } from '../../lib/deploy/catalogue.js';
import { findEnvoy, installEnvoyRelease, startSidecar } from '../../lib/deploy/envoy.js';
import { mariadbAvailability, startMariadb } from '../../lib/deploy/mariadb.js';
import { mysqlCounter, mysqlMetadataNamespace } from '../../lib/deploy/policies/mysql-proxy.js';
import { sqlPolicyFor } from '../../lib/deploy/sql-policy.js';
import type { Address, Backend, Sidecar, SidecarConfig } from '../../lib/deploy/types.js';
import { planCpus } from '../../lib/host/cpus.js';
import { sendExactly, startLoad } from '../../lib/load/load.js';
import { selectByKey, selectByKeyPrepared } from '../../lib/load/sql.js';
import type { TcpPolicy } from '../../lib/deploy/policy.js';

const cpus = planCpus().others;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sql-test-'));
const envoy = await findEnvoy();
const found = await sqlPolicyFor(envoy);
const database = await mariadbAvailability();
const lacking = [found, database].flatMap((answer) => (answer.available ? [] : [answer.reason])).join('; ');
const able = found.available && database.available;
/** Skipped tests say why. */
const title = (what: string) => (able ? what : `${what} (${lacking})`);

let mariadb: Backend;
let sql: TcpPolicy;
let sidecar: Sidecar;
beforeAll(async () => {
  if (!able) return;
  mariadb = await startMariadb();
  sql = found.policy;
  sidecar = await startSidecar(sql, { envoy, upstream: mariadb.address });
});
afterAll(async () => {
  await sidecar?.stop();
  await mariadb?.stop();
  fs.rmSync(dir, { recursive: true });
});

const send = (address: Address, statement: string, requests: number, connections = 1) =>
  sendExactly({ address, tls: false }, { requests, connections, path: statement }, { cpus, dir });

/** What each of the filter's counters grew by. */
async function counted(of: Sidecar, body: () => Promise<unknown>): Promise<Record<string, number>> {
  const names = ['sessions', 'login_attempts', 'login_failures', 'decoder_errors', 'protocol_errors', 'queries_parsed', 'queries_parse_error'];
  const before = await of.stats();
  await body();
  const after = await of.stats();
  const grown = names.map((name) => [name, after[mysqlCounter(name)] - before[mysqlCounter(name)]] as const);
  return Object.fromEntries(grown.filter(([, by]) => by !== 0));
}

describe.skipIf(!able)(title('the database'), () => {
  it('is a server of its own, without which nothing of it is left', async () => {
    const other = await startMariadb();
    expect(other).toMatchObject({ name: 'mariadb', version: expect.stringMatching(/^\d+\.\d+/) });
    expect(other.address.port).not.toBe(mariadb.address.port);
    await other.stop();
    expect(other.alive()).toBe(false);
  });
  it('answers a statement as text and prepared', async () => {
    for (const statement of [selectByKey, selectByKeyPrepared]) expect(await send(mariadb.address, statement, 100, 2)).toMatchObject({ requests: 100, errors: 0 });
  });
  it('refuses its user what is not theirs, and the load counts that as errors', async () => {
    for (const statement of ['DELETE FROM users', 'SELECT * FROM mysql.user', 'SELEKT']) {
      expect(await send(mariadb.address, statement, 5), statement).toMatchObject({ requests: 0, errors: 5, statuses: { 500: 5 } });
    }
  });
});

describe.skipIf(!able)(title('the SQL load'), () => {
  it('keeps a constant rate', async () => {
    const load = await startLoad({ address: mariadb.address, tls: false }, { mode: 'open', ratePerS: 500, connections: 4, warmUpS: 0.2, durationS: 1, path: selectByKey }, { cpus, dir });
    const { requests, errors } = await load.finish();
    expect([errors, Math.abs(requests - 500) <= 5]).toEqual([0, true]);
  });
  it('says why it cannot begin where no MySQL answers', async () => {
    const greeter = await serving((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(send(greeter.address, selectByKey, 1)).rejects.toThrow(/cannot connect to 127\.0\.0\.1:\d+: Protocol error/);
    await greeter.close();
  });
});

describe.skipIf(!able)(title('the SQL policy'), () => {
  it('parses every query of every connection', async () => {
    const grown = await counted(sidecar, async () => expect(await send(sidecar.address, selectByKey, 1000, 4)).toMatchObject({ requests: 1000, errors: 0 }));
    expect(grown).toEqual({ sessions: 4, login_attempts: 4, queries_parsed: 1000 });
  });
  it('passes prepared statements on, which have no text to parse', async () => {
    const grown = await counted(sidecar, async () => expect(await send(sidecar.address, selectByKeyPrepared, 1000, 4)).toMatchObject({ requests: 1000, errors: 0 }));
    expect(grown).toEqual({ sessions: 4, login_attempts: 4 });
  });
  it('counts what is no SQL, and the server still answers it', async () => {
    const grown = await counted(sidecar, async () => expect(await send(sidecar.address, 'SELEKT 1', 10)).toMatchObject({ statuses: { 500: 10 } }));
    expect(grown).toEqual({ sessions: 1, login_attempts: 1, queries_parse_error: 10 });
  });
  it('names the table and what was done to it in the metadata', async () => {
    const config = withAccessLog(sidecar.yaml, `%DYNAMIC_METADATA(${mysqlMetadataNamespace})%\n`);
    const accessLogFile = path.join(dir, 'access.log');
    const logging = await startSidecar(config, { envoy, upstream: mariadb.address, accessLogFile });
    await send(logging.address, 'INSERT INTO users SELECT * FROM users JOIN other USING (id)', 1).finally(() => logging.stop());
    expect(fs.readFileSync(accessLogFile, 'utf8')).toContain('{"other":"select","users":"insert,select"}');
  });
  it('changes nothing of bytes that are no MySQL, however they come, and keeps on', async () => {
    const echo = await serving((socket) => socket.pipe(socket));
    const before = await startSidecar(sql, { envoy, upstream: echo.address });
    try {
      await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 12 }), async (pieces) => {
        expect(await echoed(before.address, pieces)).toEqual(Buffer.concat(pieces));
      }), { numRuns: 200, seed: 6 });
      expect(before.alive()).toBe(true);
    } finally {
      await before.stop();
      await echo.close();
    }
  });
});

describe.skipIf(!able)(title('an Envoy'), () => {
  it('without the contrib extensions refuses mysql_proxy, and takes our module', async () => {
    await expect(startSidecar(sqlContrib, { envoy, upstream: mariadb.address })).rejects.toThrow(/mysql_proxy/);
    expect(sql.label).toBe('SQL (module)');
  });
  it('too old for the module is told apart by asking it', async () => {
    expect(await sqlPolicyFor(await installEnvoyRelease('1.36.2'))).toMatchObject({ available: false, reason: expect.stringContaining('dynamic_modules') });
  });
});

/** A configuration that ran, with a log of the connections that ended. */
function withAccessLog(yaml: string, format: string): SidecarConfig {
  const config = parse(yaml);
  const log = {
    name: 'envoy.access_loggers.stdout',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', log_format: { text_format_source: { inline_string: format } } },
  };
  config.static_resources.listeners[0].filter_chains[0].filters.at(-1).typed_config.access_log = [log];
  return { frame: 'user', id: 'sql-logged', label: 'SQL, logged', yaml: stringify(config) };
}

async function serving(onConnection: (socket: net.Socket) => void): Promise<{ address: Address; close(): Promise<void> }> {
  const server = net.createServer((socket) => onConnection(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  return { address: { host: '127.0.0.1', port }, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Sends pieces one after another and collects what comes back until as much has. */
function echoed({ host, port }: Address, pieces: Uint8Array[]): Promise<Buffer> {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, noDelay: true });
    let back = Buffer.alloc(0);
    socket.setTimeout(5000, () => socket.destroy(new Error(`${back.length} of ${total} bytes came back`)));
    socket.on('error', reject).on('data', (chunk) => {
      back = Buffer.concat([back, chunk]);
      if (back.length < total) return;
      socket.destroy();
      resolve(back);
    });
    socket.on('connect', async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await sleep(0);
      }
    });
  });
}
