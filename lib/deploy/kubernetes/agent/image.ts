/**
 * The image of agents: Node with the agent, the tools that collectors run, and the load generator, all as this machine has
 * them. A tool that is not here is not in it; the agent then says so.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { bundleProgram } from '../../../host/bundle.js';
import { projectPath, projectRoot, workbenchPath } from '../../../host/paths.js';
import { findGenerator, generatorSources } from '../../../load/generators.js';
import type { ImageSpec } from '../../cluster/oci-image.js';
import { tagOf } from '../image-tag.js';

/** Taken for a clone by what runs in it (lib/host/paths.ts). */
const clone = '/workbench';
const agentFile = `${clone}/agent.cjs`;
/** What collectors and the process runner start. */
const tools = ['bash', 'sh', 'setpriv', 'taskset', 'sleep', 'true', 'mkfifo', 'dd', 'mount', 'unshare', 'perf', 'strace'];

/** In an agent's container. */
export const agentCommand = ['/usr/bin/node', agentFile];
export const agentFolder = clone;

/**
 * @param registry where it is to be found, e.g. `registry.example.org/team`.
 * @throws Error when this machine has no C compiler for the generator, or the agent cannot be bundled.
 */
export async function agentImage(registry: string): Promise<ImageSpec> {
  const bundle = workbenchPath('bin', 'agent.cjs');
  await bundleProgram(path.join('lib', 'deploy', 'kubernetes', 'agent', 'main.ts'), bundle);
  const { argv: [generator] } = await findGenerator('native');
  const here = Object.fromEntries(tools.flatMap((name) => {
    const file = ['/usr/bin', '/bin', '/usr/sbin'].map((folder) => path.join(folder, name)).find((candidate) => fs.existsSync(candidate));
    return file ? [[`/usr/bin/${name}`, file]] : [];
  }));
  const sources = generatorSources.native.map((name) => projectPath('lib', 'load', name));
  const inClone = [bundle, generator, ...sources];
  const place = (file: string) => (file === bundle ? agentFile : path.posix.join(clone, path.relative(projectRoot(), file)));
  return {
    name: `${registry}/agent:${tagOf([bundle, generator, ...Object.values(here)])}`,
    entrypoint: ['/usr/bin/sleep', 'infinity'],
    files: { '/usr/bin/node': process.execPath, ...here, ...Object.fromEntries(inClone.map((file) => [place(file), file])) },
    texts: { [`${clone}/package.json`]: '{"name":"sidecar-workbench"}', '/etc/passwd': 'root:x:0:0::/:/bin/bash\n', '/etc/group': 'root:x:0:\n' },
  };
}
