/**
 * What Intel does not publish about the front ends of its cores. The same for all of them, so that no difference between
 * simulated generations comes from a guess. What other values do shows when they are swept (variants.ts).
 */
import { standIn, unconfirmed } from './parameters.js';

export const unpublished = {
  walkCycles: standIn(30, 'page tables within the second-level cache; what configurations of the Sniper simulator use for Skylake'),
  direction: standIn(
    { baseEntries: 8192, entries: 2048, tagBits: 11, histories: [4, 11, 32, 93] },
    'sizes of Seznec & Michaud, JILP 2006, in geometric steps up to the 93 taken branches that Yavarzadeh et al., "Half&Half", IEEE S&P 2023, find on Skylake',
  ),
  indirect: standIn(
    { baseEntries: 2048, entries: 512, tagBits: 11, histories: [4, 11, 32, 93] },
    'a quarter of the direction predictor\'s tables, with its history',
  ),
  returnStack: unconfirmed(16, 'Fog, "The microarchitecture of Intel, AMD and VIA CPUs"; what Linux refills against speculation (nospec-branch.h)'),
  nextLines: unconfirmed(0, 'Intel, "Disclosure of hardware prefetcher control on some Intel processors" (MSR 1A4H): four prefetchers, none of them for instructions'),
  runAhead: standIn(16, 'two thirds of the queue of Ishii et al., "Rebasing instruction prefetching", CAL 2020'),
};
