import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseManifests, readManifestFiles } from '../../../../lib/deploy/kubernetes/manifest-files.js';

const named = (text: string) => parseManifests(text, 'app.yaml').map(({ kind, metadata }) => `${kind} ${metadata?.name}`);

describe('parseManifests', () => {
  it('takes every document, and nothing from empty ones and comments', () => {
    expect(named('# the shop\n---\napiVersion: v1\nkind: Service\nmetadata: {name: shop}\n---\n# nothing\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: clerk}\n---\n'))
      .toEqual(['Service shop', 'ServiceAccount clerk']);
  });
  it('takes what a List holds one by one, and JSON', () => {
    expect(named('{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}}]}')).toEqual(['Secret key']);
  });
  it('reads numbers and truths as Kubernetes does', () => {
    const [{ data }] = parseManifests('apiVersion: v1\nkind: X\nmetadata: {name: x}\ndata: {mode: 0644, enabled: yes, quoted: "no"}', 'x.yaml') as unknown as { data: unknown }[];
    expect(data).toEqual({ mode: 0o644, enabled: true, quoted: 'no' });
  });
  it('names the file where something is no YAML, such as a template, or no object', () => {
    expect(() => named('{{- if .Values.mesh }}\nkind: Service\n{{- end }}\n')).toThrow(/^app\.yaml is no YAML: .*; templates have to be rendered first$/);
    expect(() => named('kind: Service\n')).toThrow('app.yaml holds something that is no Kubernetes object with apiVersion, kind and name: {"kind":"Service"}');
  });
});

describe('readManifestFiles', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'manifests-'));
  const write = (name: string, kind: string) => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), `apiVersion: v1\nkind: ${kind}\nmetadata: {name: x}\n`);
  };
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  it('reads a folder with its folders, and leaves what is no manifest', () => {
    write('geo/service.yml', 'Service');
    write('account.yaml', 'ServiceAccount');
    write('README.md', 'Nothing');
    expect(readManifestFiles(folder).map(({ kind }) => kind)).toEqual(['ServiceAccount', 'Service']);
    expect(readManifestFiles(path.join(folder, 'geo', 'service.yml'))).toHaveLength(1);
  });
  it('says when there is nothing', () => {
    expect(() => readManifestFiles(path.join(folder, 'none.yaml'))).toThrow(/there are no manifests at .*none\.yaml; give a YAML file/);
    fs.mkdirSync(folder);
    expect(() => readManifestFiles(folder)).toThrow(/has no Kubernetes objects/);
  });
});
