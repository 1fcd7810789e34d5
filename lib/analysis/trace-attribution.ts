/**
 * Which anchor each run of a trace belongs to: the call stack is replayed from the calls and returns themselves, and
 * whatever runs under an anchor is charged to the innermost one, as everywhere in the workbench.
 *
 * A call opens a frame that ends when its return address is reached by a return; a return to an address further down
 * closes everything above it (exceptions, longjmp). A tail call keeps its frame and becomes its anchor. What was called
 * before the trace began is not known: it is the event loop, in which a worker waits.
 */
import type { Anchor } from './anchors.js';
import type { Grouping } from '../paper/components.js';
import { End } from '../trace/decode.js';
import type { MappedCode, RunTable } from '../trace/trace.js';
import type { Region } from './attribution.js';

/** How a run ends, as far as the call stack is concerned. */
export type StackEffect = 'call' | 'return' | 'none';

export function stackEffectOf(end: End): StackEffect {
  if (end === End.call || end === End.indirectCall) return 'call';
  return end === End.return ? 'return' : 'none';
}

/** Index into `regions` of a replay: 0 is the event loop. */
export type RegionIndex = number;

/** A return this deep below the top still finds its call; deeper ones are taken for unmatched. */
const searchDepth = 256;

export class ComponentReplay {
  /** Regions met so far; runs are charged to an index of this list. */
  readonly regions: Region[] = [{ component: 'Event Poll', region: 'loop' }];
  private readonly regionIndex = new Map<string, RegionIndex>([['Event Poll loop', 0]]);
  /** Region that a run opens as the first of an anchor's function, -1 for none, -2 when not looked up yet. */
  private opens = new Int32Array(1024).fill(-2);
  private readonly returns: number[] = [];
  private readonly outer: RegionIndex[] = [];
  private current: RegionIndex = 0;
  private lastRun = -1;

  /**
   * @param effectOf how a run ends, by its id.
   * @param anchors of `binary`, in addresses of its file.
   * @param binary the build id that the anchors belong to; other objects have none.
   */
  constructor(
    private readonly runs: RunTable,
    private readonly effectOf: (id: number) => StackEffect,
    private readonly code: readonly MappedCode[],
    private readonly anchors: ReadonlyMap<number, Anchor>,
    private readonly binary: string,
    private readonly grouping: Grouping,
  ) {}

  /** @returns whom the next run of the trace is charged to. Call it once for every run, in order. */
  step(id: number): RegionIndex {
    if (this.lastRun >= 0) this.leave(this.lastRun, this.runs.address[id]);
    const opened = this.openedBy(id);
    if (opened >= 0) this.current = opened;
    this.lastRun = id;
    return this.current;
  }

  private leave(last: number, next: number): void {
    const effect = this.effectOf(last);
    if (effect === 'call') {
      this.returns.push(this.runs.address[last] + this.runs.bytes[last]);
      this.outer.push(this.current);
    } else if (effect === 'return') {
      this.unwindTo(next);
    }
  }

  private unwindTo(address: number): void {
    const { returns, outer } = this;
    for (let depth = returns.length - 1; depth >= Math.max(0, returns.length - searchDepth); depth--) {
      if (returns[depth] !== address) continue;
      this.current = outer[depth];
      returns.length = depth;
      outer.length = depth;
      return;
    }
    if (returns.length === 0) this.current = 0; // left what was called before the trace began
  }

  private openedBy(id: number): number {
    if (id >= this.opens.length) {
      const grown = new Int32Array(Math.max(id + 1, 2 * this.opens.length)).fill(-2);
      grown.set(this.opens);
      this.opens = grown;
    }
    if (this.opens[id] === -2) this.opens[id] = this.lookUp(this.runs.address[id]);
    return this.opens[id];
  }

  private lookUp(address: number): number {
    const mapped = this.code.find(({ start, end }) => address >= start && address < end);
    if (!mapped || mapped.buildId !== this.binary) return -1;
    const anchor = this.anchors.get(address - mapped.start + mapped.fileAddress);
    const component = this.grouping === 'ours' ? anchor?.component : anchor?.authors;
    if (!anchor || !component) return -1;
    const key = `${component} ${anchor.region}`;
    const known = this.regionIndex.get(key);
    if (known !== undefined) return known;
    this.regions.push({ component, region: anchor.region });
    this.regionIndex.set(key, this.regions.length - 1);
    return this.regions.length - 1;
  }
}
