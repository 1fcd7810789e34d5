/** Plays an HTTP/1.1 service. */
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from '../../deploy/types.js';
import type { Operation, ServiceNode } from '../call-graph.js';
import { filler, perform, type Callers, type Headers } from './work.js';

/** An answer, made once. */
interface Prepared {
  operation: Operation;
  body: Buffer;
  head: http.OutgoingHttpHeaders;
}

/** @returns the port it listens on. */
export function serveHttp(service: ServiceNode, at: Address, forwarded: string[], callers: Callers): Promise<number> {
  const answers = new Map(Object.values(service.operations ?? {}).map((operation) => [pathname(operation.path!), prepare(operation, service)]));
  // Connections stay open for long: one that closes just as its client sends would be a failure of ours.
  const server = http.createServer({ noDelay: service.noDelay ?? true, keepAliveTimeout: 3_600_000, requestTimeout: 0, headersTimeout: 0 }, (request, response) => {
    request.resume().once('end', () => {
      const answer = answers.get(pathname(request.url!));
      if (!answer) return refuse(response, 404, `${service.name} has nothing at ${request.url}; it has ${[...answers.keys()].join(', ') || 'nothing at all'}`);
      perform(answer.operation, callers, handedOn(request.headers, forwarded))
        .then(() => send(response, answer, service.noDelay ?? true), (error: Error) => refuse(response, 502, `${service.name}: ${error.message}`));
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(at.port, at.host, () => resolve((server.address() as AddressInfo).port));
  });
}

function prepare(operation: Operation, { keepAlive }: ServiceNode): Prepared {
  const length = operation.chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': operation.responseBytes };
  return { operation, body: filler(operation.responseBytes), head: { ...length, ...keepAlive === false && { connection: 'close' } } };
}

function send(response: http.ServerResponse, { body, head }: Prepared, noDelay: boolean): void {
  response.writeHead(200, head);
  if (!noDelay) response.flushHeaders(); // head and body in a write each: what Nagle's algorithm holds back is the second
  response.end(body);
}

function refuse(response: http.ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(reason) }).end(reason);
}

function handedOn(headers: http.IncomingHttpHeaders, forwarded: string[]): Headers {
  const found: Headers = {};
  for (const name of forwarded) {
    const value = headers[name];
    if (typeof value === 'string') found[name] = value;
  }
  return found;
}

function pathname(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}
