/** Images that a running cluster gets besides its own, such as an application's. */
import { ensureImage } from './images.js';
import { importImage } from './node-services.js';
import type { ImageSpec } from './oci-image.js';
import { currentOwner } from './owner.js';

/**
 * Gives a further image to every node of the cluster of this clone.
 * @param id of the image's file.
 * @throws Error when no cluster is up.
 */
export async function provideImage(id: string, spec: ImageSpec): Promise<void> {
  const pids = currentOwner()?.nodePids;
  if (!pids) throw new Error('no cluster is up; bring one up with: npm run cluster -- up');
  const file = await ensureImage(id, spec, () => undefined);
  await Promise.all(pids.map((pid) => importImage(pid, file)));
}
