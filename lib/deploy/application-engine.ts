/** What carries applications here: network namespaces of this machine. */
import type { ApplicationEngine } from './application.js';
import { probeMesh } from './mesh/availability.js';
import { describeInNamespaces, startInNamespaces } from './mesh/namespaces.js';

const namespaces: ApplicationEngine = { name: 'namespaces', probe: probeMesh, describe: describeInNamespaces, start: startInNamespaces };

export function applicationEngine(): ApplicationEngine {
  return namespaces;
}
