import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEcho } from '../../lib/deploy/backend.js';
import type { Address, Backend } from '../../lib/deploy/types.js';

describe.each(['socketify', 'node'] as const)('the %s echo server', (prefer) => {
  let echo: Backend;
  beforeAll(async () => { echo = await startEcho({ prefer }); });
  afterAll(() => echo.stop());
  const get = (url: string, init?: RequestInit) => fetch(`http://${echo.address.host}:${echo.address.port}${url}`, init);
  const sizeOf = async (url: string) => (await (await get(url)).arrayBuffer()).byteLength;

  it('says which it is', () => {
    expect(echo).toMatchObject({ name: prefer, version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });
  it('answers 100 bytes, or as many as the path says, 0 and 4 MiB included', async () => {
    expect(await Promise.all(['/', '/16', '/0', '/1048576', '/4194304'].map(sizeOf))).toEqual([100, 16, 0, 1048576, 4194304]);
  });
  it('refuses a size that is none', async () => {
    for (const url of ['/abc', '/99999999999']) {
      const answer = await get(url);
      expect([answer.status, await answer.text()]).toEqual([400, `ask for /N with 0 <= N <= 67108864, not "${url}"`]);
    }
  });
  it('shows the headers that reached it, in order', async () => {
    const headers = await (await get('/headers', { headers: { 'x-a': '1' } })).json();
    expect(headers).toContainEqual(['x-a', '1']);
    expect(headers[0][0]).toBe('host');
  });
  it('rests when it is idle', async () => {
    const cpuNs = () => Number(fs.readFileSync(`/proc/${echo.pid}/schedstat`, 'utf8').split(' ')[0]);
    const before = cpuNs();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((cpuNs() - before) / 1e9).toBeLessThan(0.2);
  });
  it('is gone after stop', async () => {
    const other = await startEcho({ prefer });
    await other.stop();
    expect([other.alive(), fs.existsSync(`/proc/${other.pid}`)]).toEqual([false, false]);
  });
});

it('both answer the same bytes, so that a sidecar has the same to parse', async () => {
  const servers = await Promise.all((['socketify', 'node'] as const).map((prefer) => startEcho({ prefer })));
  try {
    for (const url of ['/', '/16', '/abc']) {
      const [paper, standIn] = await Promise.all(servers.map(({ address }) => rawAnswer(address, url)));
      expect(standIn).toBe(paper);
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});

/** Head and body as they come, without the date. */
function rawAnswer({ host, port }: Address, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(port, host, () => socket.write(`GET ${url} HTTP/1.1\r\nHost: echo\r\n\r\n`));
    socket.on('error', reject).on('data', (data) => {
      text += data.toString('latin1');
      const length = /Content-Length: (\d+)/.exec(text)?.[1];
      if (length === undefined || text.length < text.indexOf('\r\n\r\n') + 4 + Number(length)) return;
      socket.destroy();
      resolve(text.replace(/Date: [^\r]*/, 'Date: now'));
    });
  });
}

describe('without a working socketify', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'broken-socketify-'));
  afterAll(() => {
    delete process.env.PYTHONPATH;
    fs.rmSync(folder, { recursive: true });
  });
  it('the Node server stands in and says why', async () => {
    const words = 'libuv.so.1: cannot open shared object file: No such file or directory';
    fs.writeFileSync(path.join(folder, 'socketify.py'), `raise OSError("${words}")\n`);
    process.env.PYTHONPATH = folder;
    const echo = await startEcho();
    expect([echo.name, echo.standInReason]).toEqual(['node', `socketify does not load: OSError: ${words}`]);
    await echo.stop();
  });
});
