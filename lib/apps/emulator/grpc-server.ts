/** Plays a gRPC service: unary methods whose messages are bytes of a size, not of a schema. */
import * as grpc from '@grpc/grpc-js';
import type { Address } from '../../deploy/types.js';
import { pathOf, type ServiceNode } from '../call-graph.js';
import { filler, perform, type Callers, type Headers } from './work.js';

/** Messages go as they are. */
export const asIs = (message: Buffer): Buffer => message;

/** @returns the port it listens on. */
export function serveGrpc(service: ServiceNode, at: Address, forwarded: string[], callers: Callers): Promise<number> {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  for (const [name, operation] of Object.entries(service.operations ?? {})) {
    const answer = filler(operation.responseBytes);
    const method = { path: pathOf(service, name), requestStream: false, responseStream: false, requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs };
    server.addService({ [name]: method }, {
      [name]: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
        perform(operation, callers, handedOn(call.metadata, forwarded)).then(
          () => callback(null, answer),
          (error: Error) => callback({ code: grpc.status.UNAVAILABLE, details: `${service.name}: ${error.message}` }),
        );
      },
    });
  }
  return new Promise((resolve, reject) => {
    server.bindAsync(`${at.host}:${at.port}`, grpc.ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
  });
}

function handedOn(metadata: grpc.Metadata, forwarded: string[]): Headers {
  const found: Headers = {};
  for (const name of forwarded) {
    const [value] = metadata.get(name);
    if (typeof value === 'string') found[name] = value;
  }
  return found;
}
