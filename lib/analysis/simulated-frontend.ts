/**
 * What Figures 8-10 and 15-17 and Table 4 show of a core's front end, and how each quantity follows from the events of a
 * simulated core. Those of counted ones: lib/analysis/frontend-quantities.ts.
 */
import { mpki, type FrontendEvents } from '../simulate/core/events.js';
import type { CoreParameters } from '../simulate/core/parameters.js';
import { topDown } from '../simulate/core/top-down.js';

export interface Quantity {
  label: string;
  unit: string;
  /** On a simulated core: what is made of cycles is modelled. */
  method: 'simulated' | 'modelled';
  /** Shares of what a core spends: a simulated one never waits for data, so that each is an upper bound. */
  isUpperBound?: true;
  /** Of a request; null where the model has none. */
  of(events: FrontendEvents, core: CoreParameters): number | null;
}

/** Per cent; null of nothing. */
function percent(part: number, whole: number): number | null {
  return whole > 0 ? 100 * part / whole : null;
}

function missed(label: string, pick: (misses: FrontendEvents['branchMisses']) => number): Quantity {
  return { label: `${label}, missed`, unit: 'misses per request', method: 'simulated', of: ({ branchMisses }) => pick(branchMisses) };
}

function cycles(label: string, of: Quantity['of']): Quantity {
  return { label, unit: 'cycles per request', method: 'modelled', of };
}

function slots(label: string, pick: (shares: ReturnType<typeof topDown>) => number | null): Quantity {
  const share = (events: FrontendEvents, core: CoreParameters) => {
    const value = pick(topDown(events, core));
    return value === null ? null : 100 * value;
  };
  return { label, unit: '% of slots', method: 'modelled', isUpperBound: true, of: share };
}

const quantities = {
  l1iMpki: { label: 'L1-I misses', unit: 'MPKI', method: 'simulated', of: mpki.l1i },
  l1iRetiredMpki: { label: 'L1-I misses of retired instructions', unit: 'MPKI', method: 'simulated', of: mpki.l1iRetired },
  l1iRetiredShare: { label: 'retired in L1-I misses', unit: '%', method: 'simulated', of: (events: FrontendEvents) => percent(mpki.l1iRetired(events), mpki.l1i(events)) },
  branchMpki: { label: 'branch misses', unit: 'MPKI', method: 'simulated', of: mpki.branches },
  icacheStallShare: {
    label: 'stalled on instruction fetch', unit: '% of cycles', method: 'modelled', isUpperBound: true,
    of: ({ icacheStallCycles, cycles: all }: FrontendEvents) => percent(icacheStallCycles, all),
  },
  frontend: slots('frontend bound', (shares) => shares.frontend),
  badSpeculation: slots('bad speculation', (shares) => shares.badSpeculation),
  retiring: slots('retiring', (shares) => shares.retiring),
  backend: slots('backend bound', (shares) => shares.backend),
  allMissed: missed('all retired', ({ all }) => all),
  conditionalTakenMissed: missed('conditional taken', ({ conditionalTaken }) => conditionalTaken),
  conditionalNotTakenMissed: missed('conditional not taken', ({ conditionalNotTaken }) => conditionalNotTaken),
  indirectMissed: missed('indirect', ({ indirect }) => indirect),
  nearTakenMissed: missed('near taken', ({ nearTaken }) => nearTaken),
  indirectInMissed: { label: 'indirect in missed branches', unit: '%', method: 'simulated', of: ({ branchMisses }: FrontendEvents) => percent(branchMisses.indirect, branchMisses.all) },
  frontendCycles: cycles('frontend bound', (events, core) => topDown(events, core).frontend * events.cycles),
  deliveryCycles: cycles('delivering instructions', ({ deliveryCycles }) => deliveryCycles),
  icacheStallCycles: cycles('waiting for the instruction cache', ({ icacheStallCycles }) => icacheStallCycles),
  itlbStallCycles: cycles('waiting for the instruction TLB', ({ itlbStallCycles }) => itlbStallCycles),
  resteerCycles: cycles('after mispredicted branches', ({ resteerCycles }) => resteerCycles),
  decodeResteerCycles: cycles('until the decoder finds a target', ({ decodeResteerCycles }) => decodeResteerCycles),
  cycles: cycles('all, without waiting for data', ({ cycles: all }) => all),
} satisfies Record<string, Quantity>;

export type FrontendQuantity = keyof typeof quantities;

export const quantityNames = Object.keys(quantities) as FrontendQuantity[];

export function quantityOf(quantity: FrontendQuantity): Quantity {
  return quantities[quantity];
}
