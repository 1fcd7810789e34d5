/** Reads Kubernetes manifests as their authors publish them: a file with several documents, or a folder of such files. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { KubernetesObject } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';

/**
 * @param place a file, or a folder whose files (.yaml, .yml, .json) are read with those of its folders, as `kubectl apply -R` does.
 * @throws Error naming the file: it is not there, no YAML, or a document of it is no Kubernetes object.
 */
export function readManifestFiles(place: string): KubernetesObject[] {
  const objects = filesOf(place).flatMap((file) => parseManifests(fs.readFileSync(file, 'utf8'), file));
  if (objects.length === 0) throw new Error(`${place} has no Kubernetes objects; give the file or folder that its authors tell to apply`);
  return objects;
}

function filesOf(place: string): string[] {
  const found = fs.statSync(place, { throwIfNoEntry: false });
  if (!found) throw new Error(`there are no manifests at ${place}; give a YAML file, or a folder of them`);
  if (found.isFile()) return [place];
  const names = fs.readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ya?ml|json)$/.test(name));
  return names.sort().map((name) => path.join(place, name));
}

/**
 * Objects of a text; those of a `List` one by one.
 * @param file its name, for messages.
 */
export function parseManifests(text: string, file: string): KubernetesObject[] {
  // Kubernetes reads YAML 1.1, where 0644 is octal.
  const documents = parseAllDocuments(text, { version: '1.1', merge: true });
  return [...documents].flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`${file} is no YAML: ${document.errors[0].message.split('\n')[0]}; templates have to be rendered first`);
    return objectsIn(document.toJS() as unknown, file);
  });
}

function objectsIn(value: unknown, file: string): KubernetesObject[] {
  if (value === null || value === undefined) return []; // nothing between two lines of dashes
  const { apiVersion, kind, metadata, items } = value as KubernetesObject & { items?: unknown[] };
  if (apiVersion === 'v1' && kind === 'List') return (items ?? []).flatMap((item) => objectsIn(item, file));
  if (apiVersion && kind && metadata?.name) return [value as KubernetesObject];
  throw new Error(`${file} holds something that is no Kubernetes object with apiVersion, kind and name: ${JSON.stringify(value).slice(0, 80)}`);
}
