/**
 * A Kubernetes cluster as its kubeconfig gives it: objects applied (server-side), read and deleted, and conditions waited
 * for by watching. The official JavaScript client underneath.
 */
import { Health, KubeConfig, KubernetesObjectApi, PatchStrategy, Watch, type KubernetesObject, type V1APIResource, type V1APIResourceList } from '@kubernetes/client-node';
import * as https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from './errors.js';

/** The owner of what we apply, by which the server tells our fields from others'. */
export const fieldManager = 'sidecar-workbench';

/** A kind of object in one namespace, or in the whole cluster. */
export interface Selection {
  apiVersion: string;
  kind: string;
  /** As in the server's paths, e.g. `deployments`. */
  plural: string;
  namespace?: string;
  /** e.g. `app=ratings` */
  labels?: string;
}

export interface WatchOptions {
  timeoutMs: number;
  /** What a time-out says, with what was seen last, e.g. `pod ratings is Pending`. */
  describe: (last: KubernetesObject[]) => string;
  /** Ends the wait with an error. */
  signal?: AbortSignal;
}

export class KubernetesClient {
  private readonly objects: KubernetesObjectApi;
  /** What each API version has, asked for once. */
  private readonly resources = new Map<string, Promise<V1APIResource[]>>();

  constructor(readonly config: KubeConfig) {
    this.objects = config.makeApiClient(KubernetesObjectApi);
  }

  /** @throws Error when there is no such file or it is no kubeconfig. */
  static fromFile(file: string): KubernetesClient {
    const config = new KubeConfig();
    try {
      config.loadFromFile(file);
    } catch (error) {
      throw new Error(`${file} is not a kubeconfig: ${(error as Error).message.split('\n')[0]}`);
    }
    return new KubernetesClient(config);
  }

  /** The server's address, for messages. */
  get server(): string {
    return this.config.getCurrentCluster()?.server ?? 'a kubeconfig without a current cluster';
  }

  /** Whether the server says that it is ready; false also while it cannot be reached. */
  async isReady(): Promise<boolean> {
    return new Health(this.config).readyz({}).catch(() => false);
  }

  /**
   * Makes the cluster's objects as these say, in this order, and leaves fields that others own.
   * @param options.dryRun the server only checks.
   * @throws Error in one line: which object, why, what to do.
   */
  async apply(objects: KubernetesObject[], options: { dryRun?: boolean } = {}): Promise<void> {
    for (const object of objects) await this.applyOne(object, options.dryRun ?? false);
  }

  private async applyOne(object: KubernetesObject, dryRun: boolean): Promise<void> {
    try {
      await this.objects.patch(object, undefined, dryRun ? 'All' : undefined, fieldManager, true, PatchStrategy.ServerSideApply);
    } catch (error) {
      throw explain(error, `apply ${nameOf(object)}`, this.server);
    }
  }

  async list<T extends KubernetesObject>(selection: Selection): Promise<T[]> {
    return (await this.listWithVersion<T>(selection)).items;
  }

  private async listWithVersion<T extends KubernetesObject>(selection: Selection): Promise<{ items: T[]; resourceVersion?: string }> {
    const { apiVersion, kind, namespace, labels } = selection;
    try {
      const found = await this.objects.list<T>(apiVersion, kind, namespace, undefined, undefined, undefined, undefined, labels);
      return { items: found.items, resourceVersion: found.metadata?.resourceVersion };
    } catch (error) {
      throw explain(error, `list ${selection.plural}`, this.server);
    }
  }

  /** Reads one object; null when there is none. */
  async read<T extends KubernetesObject>(object: { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } }): Promise<T | null> {
    try {
      return await this.objects.read(object) as T;
    } catch (error) {
      if ((error as { code?: unknown }).code === 404) return null;
      throw explain(error, `read ${nameOf(object)}`, this.server);
    }
  }

  /** Whether objects of that kind live in namespaces. @throws Error when the cluster does not know the kind. */
  async isNamespaced(object: KubernetesObject): Promise<boolean> {
    const version = object.apiVersion ?? '';
    const page = this.resources.get(version) ?? this.get(rootOf(version)).then((text) => (JSON.parse(text) as V1APIResourceList).resources);
    this.resources.set(version, page);
    const found = (await page).find(({ kind }) => kind === object.kind);
    if (!found) throw explain(new Error('Unrecognized API version and kind'), `apply ${nameOf(object)}`, this.server);
    return found.namespaced;
  }

  /** The body of a GET of any path of the server, e.g. one that it hands on to a node. */
  async get(path: string): Promise<string> {
    const options: https.RequestOptions = {};
    await this.config.applyToHTTPSOptions(options);
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => reject(explain(error, `get ${path}`, this.server));
      https.get(new URL(path, this.server), options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', fail).on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          if (response.statusCode === 200) resolve(text);
          else fail({ code: response.statusCode, body: text });
        });
      }).on('error', fail);
    });
  }

  /** Deletes an object and all that belongs to it; one that is not there is fine. */
  async delete(object: KubernetesObject): Promise<void> {
    try {
      await this.objects.delete(object, undefined, undefined, 0, undefined, 'Background');
    } catch (error) {
      if ((error as { code?: unknown }).code !== 404) throw explain(error, `delete ${nameOf(object)}`, this.server);
    }
  }

  /**
   * Waits until `check` finds what it looks for in the objects that are there, which it is shown at once and after every
   * change.
   * @param check returns null to go on waiting; what it throws ends the wait.
   * @throws Error when the time is over, with `describe` of what was there last.
   */
  async watchUntil<T extends KubernetesObject, R>(selection: Selection, check: (objects: T[]) => R | null, options: WatchOptions): Promise<R> {
    const deadline = Date.now() + options.timeoutMs;
    let last: T[] = [];
    while (Date.now() < deadline && !options.signal?.aborted) {
      const { items, resourceVersion } = await this.listWithVersion<T>(selection);
      last = items;
      const found = check(items);
      if (found !== null) return found;
      const outcome = await this.watchFrom(selection, items, resourceVersion, check, deadline, options.signal);
      if (outcome.found !== null) return outcome.found;
      last = outcome.objects;
    }
    throw new Error(`waited ${options.timeoutMs / 1000} s in vain: ${options.describe(last)}`);
  }

  /** One connection: until it is found, the time is over, or the server closes, which it does now and then. */
  private async watchFrom<T extends KubernetesObject, R>(
    selection: Selection, items: T[], resourceVersion: string | undefined, check: (objects: T[]) => R | null, deadline: number, signal?: AbortSignal,
  ): Promise<{ found: R | null; objects: T[] }> {
    const objects = new Map(items.map((item) => [item.metadata?.uid, item]));
    const query = { resourceVersion, labelSelector: selection.labels };
    return new Promise((resolve, reject) => {
      const ended = new AbortController();
      const end = (settle: () => void) => {
        clearTimeout(timer);
        settle();
        ended.abort();
      };
      const give = (found: R | null) => end(() => resolve({ found, objects: [...objects.values()] }));
      const timer = setTimeout(() => give(null), Math.max(0, deadline - Date.now()));
      signal?.addEventListener('abort', () => give(null), { signal: ended.signal });
      const onEvent = (type: string, object: T) => {
        if (type === 'ERROR') return give(null); // what we started from is too old: listed again
        if (type === 'DELETED') objects.delete(object.metadata?.uid);
        else objects.set(object.metadata?.uid, object);
        try {
          const found = check([...objects.values()]);
          if (found !== null) give(found);
        } catch (error) {
          end(() => reject(error));
        }
      };
      // A server that goes away is asked again, not all too often, until the time is over.
      const onEnd = () => void sleep(200).then(() => give(null));
      void new Watch(this.config).watch(pathOf(selection), query, onEvent, onEnd).then((connection) => {
        if (ended.signal.aborted) connection.abort();
        else ended.signal.addEventListener('abort', () => connection.abort());
      });
    });
  }
}

/** e.g. `/apis/apps/v1/namespaces/bookinfo/deployments` */
export function pathOf({ apiVersion, plural, namespace }: Selection): string {
  return [rootOf(apiVersion), ...(namespace ? ['namespaces', namespace] : []), plural].join('/');
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** e.g. `Deployment ratings`, `Telemetry ratings (telemetry.istio.io/v1alpha1)` */
export function nameOf({ apiVersion = '', kind, metadata }: KubernetesObject): string {
  const group = apiVersion.includes('.') ? ` (${apiVersion})` : '';
  return `${kind ?? 'object'} ${metadata?.name ?? 'without a name'}${group}`;
}
