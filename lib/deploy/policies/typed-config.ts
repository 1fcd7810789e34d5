/** The form in which Envoy takes every extension: its name and a configuration that names its own protobuf type. */

export interface Extension {
  name: string;
  typed_config: { '@type': string; [field: string]: unknown };
}

/**
 * @param name the extension's canonical name, e.g. `envoy.filters.network.tcp_proxy`.
 * @param type its protobuf message without the `envoy.extensions.` in front.
 */
export function extension(name: string, type: string, config: Record<string, unknown> = {}): Extension {
  return { name, typed_config: { '@type': `type.googleapis.com/envoy.extensions.${type}`, ...config } };
}
