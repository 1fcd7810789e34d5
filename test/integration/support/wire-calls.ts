/** Reads calls off recorded bytes: HTTP/1.1 by its heads and bodies, gRPC by its HTTP/2 frames, Redis and memcached by their text. */
import type { Protocol } from '../../../lib/apps/call-graph.js';
import type { WireConnection } from './wire-relay.js';

export interface WireCall {
  caller: string;
  callee: string;
  /** When its first byte passed, and when the last of its answer did. */
  began: number;
  ended: number;
  /** Of body, message or values. */
  requestBytes: number;
  responseBytes: number;
  /** What was asked, where the protocol shows it: request line, command. */
  asked: string;
}

/** All calls of connections, by when they began. */
export function wireCalls(connections: WireConnection[], protocolOf: (service: string) => Protocol): WireCall[] {
  const calls = connections.flatMap((connection) => {
    const protocol = protocolOf(connection.callee);
    const found = protocol === 'grpc' ? grpcCalls(connection) : textCalls(connection, protocol);
    return found.map((call) => ({ caller: connection.caller, callee: connection.callee, ...call }));
  });
  return calls.sort((a, b) => a.began - b.began);
}

type Found = Omit<WireCall, 'caller' | 'callee'>;

/** Callers of these send a next request when they have their answer. */
function textCalls({ chunks }: WireConnection, protocol: Protocol): Found[] {
  const calls: { began: number; ended: number; request: string; answer: string }[] = [];
  for (const { order, from, bytes } of chunks) {
    const last = calls.at(-1);
    if (from === 'caller' && (!last || last.answer !== '')) calls.push({ began: order, ended: order, request: bytes.toString('latin1'), answer: '' });
    else if (from === 'caller') last!.request += bytes.toString('latin1');
    else if (last) Object.assign(last, { answer: last.answer + bytes.toString('latin1'), ended: order });
  }
  const bodyBytes = { http: httpBody, redis: redisValues, memcached: memcachedValues, grpc: () => NaN }[protocol];
  return calls.map(({ began, ended, request, answer }) => ({ began, ended, asked: asked(request, protocol), requestBytes: protocol === 'http' ? httpBody(request) : 0, responseBytes: bodyBytes(answer) }));
}

function asked(request: string, protocol: Protocol): string {
  if (protocol !== 'redis') return request.split('\r\n')[0];
  return request.split('\r\n').filter((line, i) => i > 0 && !line.startsWith('$') && line !== '').join(' ');
}

function httpBody(message: string): number {
  const end = message.indexOf('\r\n\r\n');
  if (end < 0) throw new Error(`no whole head in ${JSON.stringify(message.slice(0, 80))}`);
  const body = message.slice(end + 4);
  if (!/^transfer-encoding: chunked/im.test(message.slice(0, end))) return body.length;
  let sum = 0;
  for (let at = 0; at < body.length;) {
    const line = body.indexOf('\r\n', at);
    const size = parseInt(body.slice(at, line), 16);
    sum += size;
    at = line + 2 + size + 2;
  }
  return sum;
}

function redisValues(answer: string): number {
  return [...answer.matchAll(/\$(\d+)\r\n/g)].reduce((sum, [, size]) => sum + Number(size), 0);
}

function memcachedValues(answer: string): number {
  return [...answer.matchAll(/VALUE \S+ \d+ (\d+)\r\n/g)].reduce((sum, [, size]) => sum + Number(size), 0);
}

const [dataFrame, headersFrame, preface, messagePrefixBytes] = [0, 1, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 5];

function grpcCalls({ chunks }: WireConnection): Found[] {
  const calls = new Map<number, Found>();
  for (const from of ['caller', 'callee'] as const) {
    for (const { order, type, stream, length } of frames(chunks.filter((chunk) => chunk.from === from), from === 'caller')) {
      if (stream === 0) continue;
      if (from === 'caller' && type === headersFrame) calls.set(stream, { began: order, ended: order, asked: '', requestBytes: -messagePrefixBytes, responseBytes: -messagePrefixBytes });
      const call = calls.get(stream)!;
      if (type === dataFrame) call[from === 'caller' ? 'requestBytes' : 'responseBytes'] += length;
      if (from === 'callee') call.ended = order;
    }
  }
  return [...calls.values()];
}

function* frames(chunks: { order: number; bytes: Buffer }[], fromCaller: boolean): Generator<{ order: number; type: number; stream: number; length: number }> {
  const all = Buffer.concat(chunks.map(({ bytes }) => bytes));
  const orderAt = (offset: number) => {
    for (const { order, bytes } of chunks) {
      if (offset < bytes.length) return order;
      offset -= bytes.length;
    }
    return NaN;
  };
  for (let at = fromCaller ? preface.length : 0; at + 9 <= all.length;) {
    const length = all.readUIntBE(at, 3);
    yield { order: orderAt(at), type: all[at + 3], stream: all.readUInt32BE(at + 5) & 0x7fffffff, length };
    at += 9 + length;
  }
}
