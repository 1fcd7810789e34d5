/**
 * What the requests of a trace execute: instructions, lines and pages of code, and under which component. Pure: a trace,
 * its code and the anchors of its binary in, counts out.
 */
import type { Anchor } from './anchors.js';
import type { Region } from './attribution.js';
import { ComponentReplay, stackEffectOf } from './trace-attribution.js';
import { components, type Component, type Grouping } from '../paper/components.js';
import type { RunDecoder } from '../trace/decode.js';
import { byRequest, type RequestSpan } from '../trace/requests.js';
import type { Trace } from '../trace/trace.js';

const lineBytes = 64;
const linesPerPage = 64;

/** One request. Sizes are those of touched 64-byte lines and 4 kB pages of code. */
export interface RequestProfile {
  instructions: number;
  lines: number;
  pages: number;
  byComponent: Map<Component, { instructions: number; lines: number }>;
}

/** A page over all requests, per request. */
export interface PageUse {
  /** Address / 4096. */
  page: number;
  /** Times that execution enters it from another page, by component in the order of Table 2. */
  entries: number[];
  /** Instructions executed in it. */
  instructions: number;
}

/** In one request: from `instruction` on (counted from its beginning) the code is in this page. */
export interface Entry {
  instruction: number;
  page: number;
  component: Component;
}

export interface TraceProfile {
  /** In the order of the spans. */
  requests: RequestProfile[];
  /** Most entered first. */
  pages: PageUse[];
  /** Where the request with the median number of instructions goes. */
  typical: Entry[];
}

export interface ProfileInput {
  trace: Trace;
  spans: readonly RequestSpan[];
  decoder: Pick<RunDecoder, 'end'>;
  /** Of the program with that build id. */
  anchors: readonly Anchor[];
  buildId: string;
  grouping: Grouping;
}

/** @throws Error when the code is not that which was traced, or the trace file is damaged. */
export async function profileTrace({ trace, spans, decoder, anchors, buildId, grouping }: ProfileInput): Promise<TraceProfile> {
  const replay = replayOf({ trace, decoder, anchors, buildId, grouping });
  const accounts = spans.map(() => new RequestAccount());
  const pages = new Map<number, PageUse>();
  const typical = medianRequest(spans);
  const way: Entry[] = [];
  let lastPage = -1;
  for await (const { ids, from, to, request } of byRequest(trace, spans)) {
    const { address, bytes, instructions } = trace.runs;
    for (let at = from; at < to; at++) {
      const id = ids[at];
      const component = replay.regions[replay.step(id)].component as Component;
      if (request < 0) {
        lastPage = -1;
        continue;
      }
      const account = accounts[request];
      const first = Math.floor(address[id] / lineBytes);
      const last = Math.floor((address[id] + bytes[id] - 1) / lineBytes);
      for (let line = first; line <= last; line++) {
        account.touch(line, component);
        const page = Math.floor(line / linesPerPage);
        if (page === lastPage) continue;
        use(pages, page).entries[components.indexOf(component)]++;
        if (request === typical) way.push({ instruction: account.instructions, page, component });
        lastPage = page;
      }
      // A run over a border of pages counts for the one it begins in.
      use(pages, Math.floor(first / linesPerPage)).instructions += instructions[id];
      account.execute(instructions[id], component);
    }
  }
  return { requests: accounts.map((account) => account.profile()), pages: perRequest([...pages.values()], spans.length), typical: way };
}

/** Instructions of one request, the mean over the spans, by region; an executed region only. @throws Error as {@link profileTrace} does. */
export async function instructionsByRegion({ trace, spans, decoder, anchors, buildId, grouping }: ProfileInput): Promise<(Region & { instructionsPerRequest: number })[]> {
  const replay = replayOf({ trace, decoder, anchors, buildId, grouping });
  const sums: number[] = [];
  for await (const { ids, from, to, request } of byRequest(trace, spans)) {
    const { instructions } = trace.runs;
    for (let at = from; at < to; at++) {
      const region = replay.step(ids[at]);
      if (request >= 0) sums[region] = (sums[region] ?? 0) + instructions[ids[at]];
    }
  }
  return replay.regions.map((region, i) => ({ ...region, instructionsPerRequest: (sums[i] ?? 0) / spans.length })).filter(({ instructionsPerRequest }) => instructionsPerRequest > 0);
}

function replayOf({ trace, decoder, anchors, buildId, grouping }: Omit<ProfileInput, 'spans'>): ComponentReplay {
  const byAddress = new Map(anchors.map((anchor) => [anchor.address, anchor]));
  return new ComponentReplay(trace.runs, (id) => stackEffectOf(decoder.end(id)), trace.header.code, byAddress, buildId, grouping);
}

/** Index of the span whose number of instructions is the (lower) median; -1 without spans. */
export function medianRequest(spans: readonly Pick<RequestSpan, 'instructions'>[]): number {
  const order = [...spans.keys()].sort((a, b) => spans[a].instructions - spans[b].instructions);
  return order[(order.length - 1) >> 1] ?? -1;
}

function use(pages: Map<number, PageUse>, page: number): PageUse {
  const known = pages.get(page);
  if (known) return known;
  const made = { page, entries: components.map(() => 0), instructions: 0 };
  pages.set(page, made);
  return made;
}

function perRequest(pages: PageUse[], requests: number): PageUse[] {
  return pages
    .map(({ page, entries, instructions }) => ({ page, entries: entries.map((count) => count / requests), instructions: instructions / requests }))
    .sort((a, b) => entriesOf(b) - entriesOf(a));
}

/** Entries of a page under any component. */
export function entriesOf({ entries }: PageUse): number {
  return entries.reduce((sum, count) => sum + count, 0);
}

class RequestAccount {
  instructions = 0;
  private readonly lines = new Set<number>();
  private readonly pages = new Set<number>();
  private readonly linesOf = new Map<Component, Set<number>>();
  private readonly instructionsOf = new Map<Component, number>();

  touch(line: number, component: Component): void {
    this.lines.add(line);
    this.pages.add(Math.floor(line / linesPerPage));
    const own = this.linesOf.get(component) ?? new Set();
    this.linesOf.set(component, own.add(line));
  }

  execute(instructions: number, component: Component): void {
    this.instructions += instructions;
    this.instructionsOf.set(component, (this.instructionsOf.get(component) ?? 0) + instructions);
  }

  profile(): RequestProfile {
    return {
      instructions: this.instructions, lines: this.lines.size, pages: this.pages.size,
      byComponent: new Map([...this.linesOf].map(([component, lines]) => [component, { instructions: this.instructionsOf.get(component) ?? 0, lines: lines.size }])),
    };
  }
}
