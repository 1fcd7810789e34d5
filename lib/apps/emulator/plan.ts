/** What the emulator's two programs are given, as JSON: a service to play, or a store to fill. */
import type { Address } from '../../deploy/types.js';
import type { Protocol, Seed, ServiceNode, StoreKind } from '../call-graph.js';

/** `emulator.cjs serve '<this>'`. */
export interface ServePlan {
  service: ServiceNode;
  at: Address;
  forwardedHeaders: string[];
  /** By name: every service it calls. */
  callees: Record<string, Callee>;
}

export interface Callee {
  protocol: Protocol;
  address: Address;
  /** By operation; empty for stores. */
  paths: Record<string, string>;
}

/** `emulator.cjs seed '<this>'`. */
export interface SeedPlan {
  protocol: StoreKind;
  address: Address;
  seed: Seed[];
}
