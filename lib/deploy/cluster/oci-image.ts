/**
 * Writes container images (OCI image layout in a tar file) from files of this machine: no Docker engine, no base image, no
 * registry. One layer each; times and owners are fixed, so that the same files make the same image.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../../host/process.js';
import { makeRunFolder, removeRunFolder } from '../run-folder.js';
import { sharedLibraries } from './shared-libraries.js';

export interface ImageSpec {
  /** With registry and tag; nodes know it by this name. */
  name: string;
  entrypoint: string[];
  env?: Record<string, string>;
  /** Numeric user id, where a pod insists on one that is not root's. */
  user?: string;
  /** Files and folders of this machine: path in the image → path here. Libraries of programs are added. */
  files: Record<string, string>;
  /** Small files: path in the image → content. */
  texts?: Record<string, string>;
  /** Where libraries are looked for first. */
  libraryFolder?: string;
}

/** As on a system whose programs and libraries all live below /usr, plus what programs expect to be there. */
const mergedUsr = { '/bin': 'usr/bin', '/sbin': 'usr/sbin', '/lib': 'usr/lib', '/lib64': 'usr/lib64' };
const folders = ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'etc', 'var', 'proc', 'sys', 'dev', 'run'];

/**
 * Writes one image; the file appears when it is whole.
 * @throws Error when a file or library is missing; CommandFailed when tar fails, e.g. on a full disk.
 */
export async function writeImage(spec: ImageSpec, file: string): Promise<void> {
  const folder = makeRunFolder('image');
  try {
    const layer = path.join(folder, 'layer.tar');
    const root = path.join(folder, 'root');
    await fillRoot(spec, root);
    await run(['tar', '--create', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '--file', layer, '--directory', root, '.']);
    const layout = await writeLayout(spec, layer, path.join(folder, 'layout'));
    await run(['tar', '--create', '--file', `${file}.fresh`, '--directory', layout, '.']);
    fs.renameSync(`${file}.fresh`, file);
  } finally {
    removeRunFolder(folder);
  }
}

async function fillRoot(spec: ImageSpec, root: string): Promise<void> {
  for (const name of folders) fs.mkdirSync(path.join(root, name), { recursive: true });
  fs.mkdirSync(path.join(root, 'tmp'));
  fs.chmodSync(path.join(root, 'tmp'), 0o1777);
  for (const [link, target] of Object.entries(mergedUsr)) fs.symlinkSync(target, place(root, link));
  for (const [name, text] of Object.entries(spec.texts ?? {})) fs.writeFileSync(place(root, name), text);
  const files = { ...await librariesOf(spec), ...spec.files };
  for (const [name, source] of Object.entries(files)) copyOrLink(source, place(root, name));
}

/** A path below `root`, its folder made. */
function place(root: string, name: string): string {
  const file = path.join(root, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  return file;
}

async function librariesOf({ files, libraryFolder }: ImageSpec): Promise<Record<string, string>> {
  const programs = Object.values(files).filter((source) => fs.statSync(source).isFile());
  return Object.assign({}, ...await Promise.all(programs.map((program) => sharedLibraries(program, libraryFolder)))) as Record<string, string>;
}

/** Linked where that is possible: some programs have more than 100 MB. */
function copyOrLink(source: string, target: string): void {
  const file = fs.realpathSync(source);
  if (fs.statSync(file).isDirectory()) return fs.cpSync(file, target, { recursive: true, verbatimSymlinks: true });
  try {
    fs.linkSync(file, target);
  } catch {
    fs.copyFileSync(file, target); // on another file system
  }
}

interface Blob {
  digest: string;
  size: number;
}

/** The image layout of https://github.com/opencontainers/image-spec/blob/v1.0.2/image-layout.md. */
async function writeLayout(spec: ImageSpec, layerFile: string, layout: string): Promise<string> {
  const blobs = path.join(layout, 'blobs', 'sha256');
  fs.mkdirSync(blobs, { recursive: true });
  const addJson = (value: object): Blob => {
    const text = JSON.stringify(value);
    const hash = createHash('sha256').update(text).digest('hex');
    fs.writeFileSync(path.join(blobs, hash), text);
    return { digest: `sha256:${hash}`, size: Buffer.byteLength(text) };
  };
  const layer = await addFile(layerFile, blobs);
  const config = addJson(imageConfig(spec, layer));
  const manifest = addJson({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
  });
  const index = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, annotations: { 'io.containerd.image.name': spec.name } };
  fs.writeFileSync(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [index] }));
  fs.writeFileSync(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return layout;
}

function imageConfig({ entrypoint, env, user }: ImageSpec, layer: Blob): object {
  const variables = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin', ...env };
  return {
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: entrypoint, Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`), ...(user && { User: user }) },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  };
}

async function addFile(file: string, blobs: string): Promise<Blob> {
  const hash = createHash('sha256');
  await pipeline(fs.createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  const digest = hash.digest('hex');
  fs.renameSync(file, path.join(blobs, digest));
  return { digest: `sha256:${digest}`, size: fs.statSync(path.join(blobs, digest)).size };
}
