/** Which recorded machines are as far apart as the paper's two, for claims that compare processor generations. */
import type { CapacityData } from '../experiments/capacity-data.js';

/** Server cores in order of release, a generation each (Intel ARK, code names of Xeon processors). */
const intelServers = ['Haswell', 'Broadwell', 'Skylake-SP', 'Cascade Lake', 'Cooper Lake', 'Ice Lake-SP', 'Sapphire Rapids', 'Emerald Rapids'];
/** From the paper's Xeon E5-2683v3 (Haswell) to its Xeon Silver 4314 (Ice Lake-SP). */
const generationsApart = 5;

type Named = Pick<CapacityData, 'cpuModel' | 'microarchitecture' | 'recording'>;

/** @returns the first pair that is as far apart as the paper's, or why there is none: which machines there are, what is missing. */
export function pairOfGenerations<M extends Named>(machines: readonly M[]): { newer: M; older: M } | { reason: string } {
  for (const older of machines) {
    const newer = machines.find((machine) => rank(machine) - rank(older) === generationsApart);
    if (newer) return { newer, older };
  }
  const there = machines.map(({ cpuModel, microarchitecture, recording: { origin } }) => `${cpuModel} (${microarchitecture ?? 'core not known to us'}; ${origin})`);
  return { reason: `needs two machines ${generationsApart} Intel server generations apart, as the paper's Haswell and Ice Lake-SP; recorded: ${there.join(', ')}; missing: ${missing(machines)} (\`npm run pack\` makes a recording of any machine)` };
}

/** Not a number, and so never a distance away from anything, for a core that is none of the list. */
function rank({ microarchitecture }: Named): number {
  const at = intelServers.indexOf(microarchitecture ?? '');
  return at < 0 ? NaN : at;
}

function missing(machines: readonly Named[]): string {
  const partners = machines.flatMap((machine) => [rank(machine) - generationsApart, rank(machine) + generationsApart])
    .flatMap((at) => intelServers[at] ?? []);
  return partners.length > 0 ? `a machine with ${[...new Set(partners)].join(' or ')}` : 'both of them';
}
