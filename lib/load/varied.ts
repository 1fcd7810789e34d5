/**
 * Requests one after another over several kept connections, for instruction traces. As a rule they differ: with the same
 * request over one connection, caches and branch predictors would learn a path that real traffic does not have.
 *
 * Names of headers are as browsers and tracing send them; none is one that a policy of the catalogue acts on, so each
 * costs what it costs under load, apart from the longer request. Through a TCP policy the same bytes are payload.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import type { LoadTarget } from './types.js';

export interface VariedClient {
  /**
   * Sends the next so many requests, one in flight, over the connections in turn.
   * @throws Error when one is not answered with a 200, or not within two minutes.
   */
  send(requests: number): Promise<void>;
  close(): void;
}

/** Path and headers of a request. */
export interface VariedRequest {
  path: string;
  headers: Record<string, string>;
  /** Without the `Connection` that Node adds; the connection is kept all the same. */
  isBare?: boolean;
}

/** Stepped on a busy machine one request may take a while. */
export const timeoutMs = 120_000;

/**
 * Opens no connection before the first request.
 * @param connections how many take turns.
 * @param requestOf by number, from 0; by default no two are alike.
 */
export function connectVaried({ address, tls }: LoadTarget, connections: number, requestOf: (index: number) => VariedRequest = variedRequest): VariedClient {
  const options = { keepAlive: true, maxSockets: 1, rejectUnauthorized: false };
  const agents = Array.from({ length: connections }, () => new (tls ? https : http).Agent(options));
  const sendOne = (index: number) => new Promise<void>((resolve, reject) => {
    const { path, headers, isBare } = requestOf(index);
    const request = (tls ? https : http).request({ ...address, path, headers, agent: agents[index % connections], timeout: timeoutMs }, (response) => {
      response.on('error', failed).resume().on('end', () => (response.statusCode === 200 ? resolve() : failed(new Error(`answered with ${response.statusCode}, not 200`))));
    });
    const failed = (error: Error) => reject(new Error(`request ${index} to ${address.host}:${address.port} failed: ${error.message}`));
    if (isBare) request.removeHeader('connection');
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`))).on('error', failed).end();
  });
  return oneByOne(sendOne, () => agents.forEach((agent) => agent.destroy()));
}

/** @param sendOne settles when request `index` of this client, counted from 0, is answered. */
export function oneByOne(sendOne: (index: number) => Promise<void>, close: () => void): VariedClient {
  let sent = 0;
  return {
    send: async (requests) => {
      for (const end = sent + requests; sent < end; ) await sendOne(sent++);
    },
    close,
  };
}

const userAgents = [
  'curl/8.5.0', 'Go-http-client/1.1', 'grpc-java-netty/1.62.2', 'okhttp/4.12.0', 'python-requests/2.31.0',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0',
];
const accepts = ['*/*', 'application/json', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/json;charset=utf-8, text/plain;q=0.5'];
const languages = ['en', 'en-US,en;q=0.9', 'de-DE,de;q=0.9,en;q=0.6', 'fr,en;q=0.5'];
/** Each is in about half of the requests. */
const optionalHeaders = ['cache-control', 'cookie', 'if-none-match', 'referer', 'x-client-trace', 'x-device', 'x-session', 'x-tenant'];
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Of the requests made up below, which run.json names: another wherever they change. */
export const variedVersion = '1';

/** The same for the same index, on every machine. The echo server answers the path's number of bytes; zeros in front change its length. */
export function variedRequest(index: number): VariedRequest {
  const below = randomBelow(index);
  const pick = (list: readonly string[]) => list[below(list.length)];
  const text = (length: number) => Array.from({ length }, () => letters[below(letters.length)]).join('');
  const optional = optionalHeaders.filter(() => below(2) === 1).map((name) => [name, text(4 + below(60))]);
  return {
    path: `/${'0'.repeat(below(24))}${50 + below(101)}`,
    headers: {
      'user-agent': pick(userAgents), accept: pick(accepts), 'accept-language': pick(languages),
      'x-request-number': `${index}-${text(1 + below(20))}`, ...Object.fromEntries(optional),
    },
  };
}

/** The request that the load generators send (generator.c), again and again. */
export function plainRequest(path: string): VariedRequest {
  return { path, headers: {}, isBare: true };
}

/** Whole numbers from 0 to below a limit, the same for the same index: Mulberry32 (T. Ettinger, public domain). */
export function randomBelow(index: number): (limit: number) => number {
  let state = Math.imul(index + 1, 0x9e3779b1);
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit | 0;
  };
}
