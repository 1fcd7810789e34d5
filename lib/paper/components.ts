/** The paper's Table 2: the nine components of a sidecar, in the order a packet meets them. */
export const components = [
  'OS Read',
  'Sidecar Read',
  'Packet Processing',
  'HTTP Protocol Parse',
  'Header En/Decoder',
  'Sidecar Filter',
  'Event Poll',
  'Sidecar Write',
  'OS Write',
] as const;

export type Component = (typeof components)[number];

/** A component, or what no anchor explains (broken stacks): counted and shown, never spread over the others. */
export type Attributed = Component | 'Unattributed';

/** The paper's Table 2, right column. */
export const descriptions: Record<Component, string> = {
  'OS Read': 'Kernel network stack read on packet receive.',
  'Sidecar Read': 'Userspace packet read by sidecar.',
  'Packet Processing': 'TCP/IP packet processing in sidecar.',
  'HTTP Protocol Parse': 'HTTP protocol parsing in sidecar for L7 filters.',
  'Header En/Decoder': 'En(De-)coder logic for any header-specific filter.',
  'Sidecar Filter': 'User defined filter logic applied to messages.',
  'Event Poll': 'I/O notif processing & polling event handler.',
  'Sidecar Write': 'Reassembly of packet & invoke write syscall.',
  'OS Write': 'Update destination & write to network buffer.',
};

/**
 * Two ways to group functions into components: `ours` charges the innermost anchor of Table 2's own words;
 * `authors` follows the function map the paper's authors used for Figure 7 (e.g. everything that HTTP/1 dispatch
 * calls counts as parsing unless decodeHeaders or a filter is nested in it).
 */
export type Grouping = 'ours' | 'authors';
