/**
 * One colour per component, policy and machine in every figure, told apart with any kind of colour vision.
 * Source: Paul Tol, "Colour Schemes", SRON/EPS/TN/09-002 issue 3.2 (2021): `muted` and `bright`.
 */
import type { Attributed } from '../paper/components.js';

const muted = {
  indigo: '#332288', cyan: '#88CCEE', teal: '#44AA99', green: '#117733', olive: '#999933',
  sand: '#DDCC77', rose: '#CC6677', wine: '#882255', purple: '#AA4499', paleGrey: '#DDDDDD',
} as const;

const bright = ['#4477AA', '#EE6677', '#228833', '#CCBB44', '#66CCEE', '#AA3377', '#BBBBBB'] as const;

/** Neighbours in a stacked bar differ in lightness too; the kernel's two are the blues, writing the reds. */
const byComponent: Record<Attributed, string> = {
  'OS Read': muted.cyan,
  'Sidecar Read': muted.indigo,
  'Packet Processing': muted.sand,
  'HTTP Protocol Parse': muted.green,
  'Header En/Decoder': muted.teal,
  'Sidecar Filter': muted.olive,
  'Event Poll': muted.purple,
  'Sidecar Write': muted.rose,
  'OS Write': muted.wine,
  Unattributed: muted.paleGrey,
};

/** The paper's policies by family: TCP blues and purples, HTTP greens and yellows, mixes reds. */
const byPolicy: Record<string, string> = {
  tcp: muted.indigo,
  tls: muted.cyan,
  'rbac-accept-all': muted.purple,
  'rbac-reject-100': bright[0],
  http: muted.green,
  'header-read': muted.teal,
  ratelimit: muted.olive,
  'ip-tag-1': muted.sand,
  sql: bright[5],
  logging: bright[3],
  'http-mix-1': muted.rose,
  'http-mix-2': muted.wine,
};

/** Top-down level 1; what is lost in warm colours, work done in green. */
const bySlots = { frontend: muted.wine, badSpeculation: muted.sand, retiring: muted.green, backend: muted.indigo } as const;

export function topDownColour(slots: keyof typeof bySlots): string {
  return bySlots[slots];
}

/** Bars that stand beside each other in one group. */
export const mpkiColours = { l1iMpki: muted.indigo, l1iRetiredMpki: muted.cyan, branchMpki: muted.rose } as const;

/** The same values before and after a correction. */
export const correctionColours = { before: muted.sand, after: muted.indigo } as const;

/** No mesh pale, the mesh's profiles darker as they do more. */
const byProfile: Record<string, string> = { none: muted.sand, default: bright[0], demo: muted.indigo };

/** A profile on a cluster, beside the same on one machine. */
const onCluster: Record<string, string> = { default: bright[4], demo: muted.purple };

export function engineColour(profile: string, engine: string): string {
  return (engine === 'kubernetes' ? onCluster[profile] : undefined) ?? profileColour(profile);
}

export function profileColour(profile: string): string {
  return byProfile[profile] ?? muted.paleGrey;
}

/** Where a sidecar's time goes: the kernel as where it writes, user code as where it parses. */
const byPart: Record<string, string> = { 'system calls': muted.wine, 'user space': muted.green };

export function partColour(part: string): string {
  return byPart[part];
}

export const stallColour = muted.wine;

export function componentColour(component: Attributed): string {
  return byComponent[component];
}

/** A policy that the paper does not have keeps the colour its id hashes to. */
export function policyColour(id: string): string {
  return byPolicy[id] ?? pick(id, Object.values(muted).slice(0, 9));
}

/** The n-th machine compared: order of the recordings, this machine first. */
export function machineColour(index: number): string {
  return bright[index % bright.length];
}

/** Values that the paper reports, drawn beside ours. */
export const paperColour = '#777777';

function pick(text: string, colours: readonly string[]): string {
  let hash = 0;
  for (const char of text) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return colours[hash % colours.length];
}
