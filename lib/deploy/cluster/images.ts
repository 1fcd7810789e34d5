/** The images that the cluster on this machine runs, made of its parts; a node takes them in at its start. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectPath } from '../../host/paths.js';
import { findEnvoy } from '../envoy-binary.js';
import { writeImage, type ImageSpec } from './oci-image.js';
import { clusterPath } from './places.js';

/** A registry that does not exist: whatever is not on the node already cannot be pulled. */
export const imageRegistry = 'sidecar-workbench.local';
/** environment/cluster/istio/manifest.yaml names Istio's images so. */
export const istioTag = '1.22-dev';

export const imageNames = {
  pause: `${imageRegistry}/pause:1`,
  coredns: `${imageRegistry}/coredns:1`,
  pilot: `${imageRegistry}/pilot:${istioTag}`,
  proxy: `${imageRegistry}/proxyv2:${istioTag}`,
  echo: `${imageRegistry}/echo:1`,
} as const;

type ImageId = keyof typeof imageNames;

const libraries = () => clusterPath('debian', 'usr', 'lib', 'x86_64-linux-gnu');

/** The user and group that Istio's containers run as; iptables rules let this user's traffic pass. */
const istioUser = '1337';
const accounts = {
  '/etc/passwd': `root:x:0:0::/:/none\nistio-proxy:x:${istioUser}:${istioUser}::/:/none\n`,
  '/etc/group': `root:x:0:\nistio-proxy:x:${istioUser}:\n`,
};

async function imageSpecs(): Promise<Record<ImageId, ImageSpec>> {
  return {
    pause: { name: imageNames.pause, entrypoint: ['/pause'], files: { '/pause': clusterPath('pause', 'pause') } },
    coredns: { name: imageNames.coredns, entrypoint: ['/coredns'], files: { '/coredns': clusterPath('coredns', 'coredns') } },
    pilot: {
      name: imageNames.pilot,
      entrypoint: ['/usr/local/bin/pilot-discovery'],
      user: istioUser,
      files: { '/usr/local/bin/pilot-discovery': clusterPath('istio', 'pilot-discovery') },
      texts: accounts,
    },
    proxy: await proxySpec(),
    echo: {
      name: imageNames.echo,
      entrypoint: ['/usr/bin/node', '/echo.mjs'],
      files: { '/usr/bin/node': process.execPath, '/echo.mjs': projectPath('environment', 'cluster', 'echo.mjs') },
    },
  };
}

/** Istio's agent, the workbench's own Envoy in place of Istio's, and iptables for the init container. */
async function proxySpec(): Promise<ImageSpec> {
  const { path: envoy } = await findEnvoy();
  const debian = clusterPath('debian', 'usr');
  return {
    name: imageNames.proxy,
    entrypoint: ['/usr/local/bin/pilot-agent'],
    files: {
      '/usr/local/bin/pilot-agent': clusterPath('istio', 'pilot-agent'),
      '/usr/local/bin/envoy': envoy,
      '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json': clusterPath('istio', 'envoy_bootstrap.json'),
      ...iptablesPrograms(path.join(debian, 'sbin')),
      '/usr/lib/x86_64-linux-gnu/xtables': path.join(debian, 'lib', 'x86_64-linux-gnu', 'xtables'),
      '/usr/sbin/ip': fs.realpathSync('/sbin/ip'),
    },
    texts: accounts,
    libraryFolder: libraries(),
  };
}

/** One program by its many names, which tell it what to do. */
function iptablesPrograms(folder: string): Record<string, string> {
  const names = ['iptables', 'ip6tables'].flatMap((program) => ['', '-save', '-restore'].map((verb) => `${program}${verb}`));
  return Object.fromEntries(names.map((name) => [`/usr/sbin/${name}`, path.join(folder, name)]));
}

/**
 * Writes the images whose contents have changed.
 * @returns the files of all.
 * @throws Error when a part is not built.
 */
export async function ensureImages(log: (line: string) => void): Promise<string[]> {
  const specs = Object.entries(await imageSpecs());
  return Promise.all(specs.map(([id, spec]) => ensureImage(id, spec, log)));
}

/**
 * Writes an image unless its file is there; older ones of the same id are removed.
 * @returns the file.
 */
export async function ensureImage(id: string, spec: ImageSpec, log: (line: string) => void): Promise<string> {
  const folder = clusterPath('images');
  const file = path.join(folder, `${id}-${fingerprint(spec)}.tar`);
  if (fs.existsSync(file)) return file;
  fs.mkdirSync(folder, { recursive: true });
  for (const name of fs.readdirSync(folder)) if (/^(.*)-[0-9a-f]+\.tar/.exec(name)?.[1] === id) fs.rmSync(path.join(folder, name));
  const started = Date.now();
  await writeImage(spec, file);
  log(`image ${spec.name}: ${(fs.statSync(file).size / 1e6).toFixed(0)} MB in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return file;
}

/** Of an image's description and its files; times and sizes stand for their content, which may be hundreds of megabytes. */
function fingerprint(spec: ImageSpec): string {
  const files = Object.entries(spec.files).map(([name, source]) => {
    if (!fs.existsSync(source)) throw new Error(`the image ${spec.name} needs ${source}, which is not there; \`npm run cluster -- build\` makes it`);
    const { size, mtimeMs } = fs.statSync(source);
    return [name, size, mtimeMs];
  });
  return createHash('sha256').update(JSON.stringify([{ ...spec, files: [] }, files])).digest('hex').slice(0, 12);
}
