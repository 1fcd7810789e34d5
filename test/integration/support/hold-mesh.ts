/** Brings an application up and holds it until it is ended. Usage: hold-mesh.ts GRAPH PROFILE. Prints "up" when it is. */
import { graphById } from '../../../lib/apps/graph-file.js';
import { startInNamespaces } from '../../../lib/deploy/mesh/namespaces.js';

async function hold([id, profile]: string[]): Promise<void> {
  await startInNamespaces({ graph: graphById(id), profile: profile as 'default', nodes: 2 });
  console.log('up');
  setInterval(() => {}, 1000);
}

void hold(process.argv.slice(2));
