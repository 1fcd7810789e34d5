/** How a service reaches those it calls: one long-lived connection each, or pool of them, but where the graph says otherwise. */
import * as grpc from '@grpc/grpc-js';
import * as http from 'node:http';
import type { Call } from '../call-graph.js';
import { asIs } from './grpc-server.js';
import type { Callee } from './plan.js';
import { storeCaller } from './stores.js';
import { filler, type Caller, type Callers } from './work.js';

export function callersOf(callees: Record<string, Callee>): Callers {
  return Object.fromEntries(Object.entries(callees).map(([name, callee]) => [name, callerOf(name, callee)]));
}

function callerOf(name: string, callee: Callee): Caller {
  if (callee.protocol === 'http') return httpCaller(name, callee);
  if (callee.protocol === 'grpc') return grpcCaller(name, callee);
  return storeCaller(name, callee.protocol, callee.address);
}

function httpCaller(name: string, { address: { host, port }, paths }: Callee): Caller {
  const kept = new http.Agent({ keepAlive: true });
  // Asks the callee to keep the connection and then closes it, as Python's requests do without a session.
  const fresh = Object.assign(new http.Agent({ keepAlive: true }), { keepSocketAlive: () => false });
  const bodies = bodiesBySize();
  return (call, headers) => new Promise((resolve, reject) => {
    const fail = (problem: string) => reject(new Error(`${name} at ${host}:${port} ${problem}`));
    const body = call.requestBytes ? bodies(call.requestBytes) : undefined;
    const request = http.request({
      host, port, path: paths[call.operation], agent: call.newConnection ? fresh : kept,
      method: body ? 'POST' : 'GET', headers: body ? { ...headers, 'content-length': body.length } : headers,
    }, (response) => {
      const { statusCode } = response;
      response.once('error', (error) => fail(`broke off: ${error.message}`));
      if (statusCode === 200) return response.resume().once('end', resolve);
      let reason = '';
      response.setEncoding('utf8').on('data', (text: string) => { reason += text; }).once('end', () => fail(`answered ${statusCode}: ${reason}`));
    });
    request.once('error', (error) => fail(`cannot be asked: ${error.message}`)).end(body);
  });
}

/** Nobody but the mesh sends a call again, and no proxy or record of the environment has a say in where it goes. */
const channelOptions: grpc.ChannelOptions = {
  'grpc.enable_retries': 0, 'grpc.enable_http_proxy': 0, 'grpc.service_config_disable_resolution': 1, 'grpc.max_receive_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100, 'grpc.min_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1000,
};

function grpcCaller(name: string, { address: { host, port }, paths }: Callee): Caller {
  const client = new grpc.Client(`${host}:${port}`, grpc.credentials.createInsecure(), channelOptions);
  const bodies = bodiesBySize();
  return (call, headers) => new Promise((resolve, reject) => {
    const metadata = new grpc.Metadata();
    for (const header in headers) metadata.set(header, headers[header]);
    client.makeUnaryRequest(paths[call.operation], asIs, asIs, bodies(call.requestBytes ?? 0), metadata, (error) => {
      if (error) reject(new Error(`${name} at ${host}:${port} answered ${grpc.status[error.code]}: ${error.details}`));
      else resolve();
    });
  });
}

function bodiesBySize(): (bytes: NonNullable<Call['requestBytes']>) => Buffer {
  const made = new Map<number, Buffer>();
  return (bytes) => {
    if (!made.has(bytes)) made.set(bytes, filler(bytes));
    return made.get(bytes)!;
  };
}
