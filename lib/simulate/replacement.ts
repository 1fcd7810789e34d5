/** Replacement policies other than exact LRU, which has a path of its own. */
import { seededRandom } from '../analysis/statistics.js';

/** Chooses within sets; ways count from 0 in each. Asked for a victim only when all ways of a set are in use. */
export interface ReplacementPolicy {
  hit(set: number, way: number): void;
  filled(set: number, way: number): void;
  victim(set: number): number;
  /** All entries were forgotten. */
  empty(): void;
}

/** Makes a policy for sets with so many ways each. */
export type PolicyMaker = (ways: readonly number[]) => ReplacementPolicy;

const nothing = () => undefined;

/** The entry that came first goes first, however often it was used. */
export const fifo: PolicyMaker = (ways) => {
  const next = new Uint32Array(ways.length);
  return {
    hit: nothing,
    // Ways fill in order, so the next one is always the one that was filled longest ago.
    filled: (set, way) => { next[set] = (way + 1) % ways[set]; },
    victim: (set) => next[set],
    empty: () => { next.fill(0); },
  };
};

/** Any entry may go. @param seed same seed, same result */
export function randomReplacement(seed = 1): PolicyMaker {
  return (ways) => {
    const random = seededRandom(seed);
    return { hit: nothing, filled: nothing, victim: (set) => Math.floor(random() * ways[set]), empty: nothing };
  };
}

/**
 * Tree-PLRU: a binary tree of bits over the ways of a set, each pointing away from the half used last (Al-Zoubi et al.,
 * "Performance evaluation of cache replacement policies for the SPEC CPU2000 benchmark suite", 2004).
 * @throws Error when a set's ways are no power of two.
 */
export const treePlru: PolicyMaker = (ways) => {
  const odd = ways.find((count) => !Number.isInteger(Math.log2(count)));
  if (odd !== undefined) throw new Error(`tree-PLRU asked for over ${odd} ways; give a power of two, or another policy`);
  // Node 1 is the root, node n has children 2n and 2n + 1, way w is leaf ways + w; a bit of 1 points to 2n + 1.
  const trees = ways.map((count) => new Uint8Array(count));
  const pointAway = (set: number, way: number) => {
    for (let node = ways[set] + way; node > 1; node >>= 1) trees[set][node >> 1] = 1 - (node & 1);
  };
  return {
    hit: pointAway,
    filled: pointAway,
    victim: (set) => {
      let node = 1;
      while (node < ways[set]) node = 2 * node + trees[set][node];
      return node - ways[set];
    },
    empty: () => trees.forEach((tree) => tree.fill(0)),
  };
};

/** Exact LRU once more, slow and plain: what the fast path is tested against. */
export const plainLru: PolicyMaker = (ways) => {
  const order = ways.map((): number[] => []);
  const touch = (set: number, way: number) => { order[set] = [...order[set].filter((other) => other !== way), way]; };
  return { hit: touch, filled: touch, victim: (set) => order[set][0], empty: () => order.forEach((_, set) => { order[set] = []; }) };
};
