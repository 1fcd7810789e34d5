/** Replays a trace on a core, and accounts what happens by request and component. */
import { components, type Component } from '../../paper/components.js';
import { CodeMemory } from './code-memory.js';
import { counterCount, eventsOf, type FrontendEvents } from './events.js';
import { Frontend } from './frontend.js';
import { checkCore, type CoreParameters } from './parameters.js';
import type { CoreInput, Segment } from './program.js';

export type { BranchMisses, FrontendEvents } from './events.js';

export interface ReplayOptions {
  /**
   * True: a system call leaves nothing of the core's state, neither in caches and TLBs nor in predictors: the upper bound.
   * False: it touches nothing, the lower. What the kernel's own code and data displace lies between.
   */
  emptyAtCalls?: boolean;
  /** Numbers (address / 2 MB) of the regions mapped with huge pages. */
  hugeRegions?: readonly number[];
  /** Whether what is fetched after a misprediction goes through the caches; true unless told. */
  wrongPath?: boolean;
  /** Every indirect jump and call is predicted. */
  perfectIndirect?: boolean;
  /** This component's code has caches and TLBs of its own, as on another core; what passing control there costs is not counted. */
  isolated?: Component;
  /** Requests replayed first and not counted: 8 (one a connection of the shipped traces) unless told, at most half of them. */
  warmUp?: number;
}

export interface ReplayResult {
  /** Counted requests, in order. */
  requests: FrontendEvents[];
  /** Those before them, from a cold core on. */
  warmUp: FrontendEvents[];
  /** Mean of `requests`. */
  mean: FrontendEvents;
  /** The same by component, adding up to `mean`; components without instructions are left out. */
  byComponent: Map<Component, FrontendEvents>;
}

const usualWarmUp = 8;

/** @throws Error on a core that cannot be, or when no request is left to count. */
export function replay(input: CoreInput, core: CoreParameters, options: ReplayOptions = {}): ReplayResult {
  checkCore(core);
  const warmUp = options.warmUp ?? Math.min(usualWarmUp, input.requests >> 1);
  if (input.requests <= warmUp) throw new Error(`${input.requests} requests in the trace, ${warmUp} of them to warm up: none is left to count; record more or lower warmUp`);
  const ledger = new Ledger(warmUp);
  const player = new Player(input, core, options, ledger.accounts);
  for (const segment of input.segments) {
    ledger.enter(segment.request);
    player.play(segment);
  }
  return ledger.result();
}

/** Feeds the sequence to a frontend, each run with its component's account and memory. */
class Player {
  private readonly frontend: Frontend;
  private readonly shared: CodeMemory;
  private readonly own: CodeMemory | null;
  private readonly isolated: number;

  constructor(private readonly input: CoreInput, core: CoreParameters, private readonly options: ReplayOptions, private readonly accounts: readonly Float64Array[]) {
    const memory = () => new CodeMemory(core, input.program.code, options.hugeRegions ?? []);
    this.shared = memory();
    this.frontend = new Frontend(input.program, core, this.shared, options);
    this.isolated = options.isolated ? components.indexOf(options.isolated) : -1;
    this.own = options.isolated ? memory() : null;
  }

  play({ from, to, afterCall }: Segment): void {
    const { frontend, accounts, input: { sequence, component } } = this;
    if (afterCall) this.systemCall();
    let last = -1;
    for (let at = from; at < to; at++) {
      const current = component[at];
      if (current !== last) {
        frontend.account = accounts[current];
        if (this.own) frontend.use(current === this.isolated ? this.own : this.shared);
        last = current;
      }
      frontend.execute(sequence[at], at + 1 < sequence.length ? sequence[at + 1] : -1);
    }
  }

  private systemCall(): void {
    const { emptyAtCalls = false } = this.options;
    this.frontend.systemCall(emptyAtCalls);
    if (!emptyAtCalls) return;
    this.shared.empty();
    this.own?.empty();
  }
}

/** Accounts by component, closed at each request's end. */
class Ledger {
  /** By index of the component, of the request under way. */
  readonly accounts = components.map(() => new Float64Array(counterCount));
  private readonly totals = components.map(() => new Float64Array(counterCount));
  private readonly requests: FrontendEvents[] = [];
  private request = -1;

  constructor(private readonly warmUp: number) {}

  enter(request: number): void {
    if (request === this.request) return;
    if (this.request >= 0) this.close();
    for (const account of this.accounts) account.fill(0);
    this.request = request;
  }

  result(): ReplayResult {
    this.enter(-1);
    const counted = this.requests.length - this.warmUp;
    return {
      requests: this.requests.slice(this.warmUp),
      warmUp: this.requests.slice(0, this.warmUp),
      mean: eventsOf(sum(this.totals), counted),
      byComponent: new Map(components.map((component, i): [Component, FrontendEvents] => [component, eventsOf(this.totals[i], counted)]).filter(([, { instructions }]) => instructions > 0)),
    };
  }

  private close(): void {
    this.requests.push(eventsOf(sum(this.accounts)));
    if (this.request < this.warmUp) return;
    this.totals.forEach((total, i) => addTo(total, this.accounts[i]));
  }
}

function sum(accounts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(counterCount);
  for (const account of accounts) addTo(all, account);
  return all;
}

function addTo(total: Float64Array, account: Float64Array): void {
  for (let i = 0; i < total.length; i++) total[i] += account[i];
}
