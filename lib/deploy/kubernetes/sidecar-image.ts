/** The image of a single sidecar's pod: the workbench's own Envoy, and the echo server behind it. */
import { projectPath } from '../../host/paths.js';
import type { ImageSpec } from '../cluster/oci-image.js';
import type { EnvoyBinary } from '../types.js';
import { tagOf } from './image-tag.js';

const node = '/usr/bin/node';
const echo = '/echo.mjs';
const envoyFile = '/usr/local/bin/envoy';

/** The echo's argv in the image. @param port of the pod's loopback. */
export function echoCommand(port: number): string[] {
  return [node, echo, String(port)];
}

/** Envoy's argv in the image, its access log thrown away, as on one machine. */
export function envoyCommand(argv: readonly string[]): string[] {
  return ['/usr/bin/sh', '-c', `exec ${envoyFile} ${argv.join(' ')} > /dev/null`];
}

/** Prints what is at a URL. */
export function fetchCommand(url: string): string[] {
  return [node, '-e', `fetch('${url}').then((answer) => answer.text()).then(console.log)`];
}

/** @param registry where it is to be found, e.g. `registry.example.org/team`. */
export async function sidecarImage(envoy: EnvoyBinary, registry: string): Promise<ImageSpec> {
  const files = { [node]: process.execPath, [echo]: projectPath('environment', 'echo', 'echo.mjs'), [envoyFile]: envoy.path, '/usr/bin/sh': '/bin/sh' };
  return { name: `${registry}/sidecar:${tagOf(Object.values(files))}`, entrypoint: [envoyFile], files, texts: { '/etc/passwd': 'root:x:0:0::/:/bin/sh\n', '/etc/group': 'root:x:0:\n' } };
}
