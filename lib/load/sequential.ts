/** One request after another over one kept connection: for the time a single call takes, not for load. */
import * as http from 'node:http';
import type { Address } from '../deploy/types.js';

export interface SequentialClient {
  /**
   * Sends one request and reads its answer to the end.
   * @returns microseconds from before the request was written to the last byte of the answer.
   * @throws Error when the answer is not a 200, or takes longer than 5 s.
   */
  get(path: string): Promise<number>;
  close(): void;
}

const timeoutMs = 5000;

/** Opens no connection before the first request. */
export function connect(address: Address): SequentialClient {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  return {
    get: async (path) => {
      const started = performance.now();
      const status = await get(address, path, agent);
      const us = (performance.now() - started) * 1000;
      if (status !== 200) throw new Error(`${address.host}:${address.port}${path} answered with ${status}, not 200`);
      return us;
    },
    close: () => agent.destroy(),
  };
}

function get(address: Address, path: string, agent: http.Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = http.get({ ...address, path, agent, timeout: timeoutMs }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    request.on('error', (error) => reject(new Error(`request to ${address.host}:${address.port}${path} failed: ${error.message}`)));
  });
}
