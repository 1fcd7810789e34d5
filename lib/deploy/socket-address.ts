/** An address in the form in which Envoy's configuration holds it. */
import type { Address } from './types.js';

export function socketAddress({ host, port }: Address): object {
  return { socket_address: { address: host, port_value: port } };
}
