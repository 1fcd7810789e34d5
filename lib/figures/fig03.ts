/** Figure 3: services with their sidecars as they were deployed, with the sockets and connections that the kernel had. */
import type { MemberName, PairMember } from '../deploy/observe-pair.js';
import type { DeploymentData } from '../experiments/deployment.js';
import { boxHeight, canvasWidth, diagram, lineHeight, type Arrow, type Box, type Label } from './diagram.js';
import { observedLine, paperSays, type Item } from './item.js';

const podWidth = 262;
const inset = 14;
const memberHeight = boxHeight(5);
const between = 70;
const podHead = 30;
const podHeight = podHead + 2 * memberHeight + between + inset;

/** Place of each member: pod 0 or 1, upper or lower row. */
const places: Record<MemberName, [pod: number, row: number]> = {
  'service A': [0, 0], 'sidecar A': [0, 1], 'sidecar B': [1, 1], 'service B': [1, 0],
};

export function fig03(data: DeploymentData): Item {
  const { observation } = data;
  const pods = ['Pod of service A', 'Pod of service B'].map((title, i): Box => ({
    x: podX(i), y: 0, width: podWidth, height: podHeight, title, dashed: true, fill: '#FAFAFA',
  }));
  return {
    item: 'fig03',
    title: 'Figure 3: services with sidecars, as deployed',
    rows: [],
    figure: diagram({
      title: 'Figure 3: two services with their sidecars, as deployed',
      alt: 'Two pods of a service and its sidecar each; arrows are the connections between the four processes, with ports and request counts.',
      method: observedLine("processes, the kernel's sockets, Envoy's counters", data),
      height: podHeight,
      boxes: [...pods, ...observation.members.map((member) => memberBox(data, member))],
      arrows: hops.map(arrow),
      labels: hops.flatMap((hop) => hopLabels(data, hop)),
    }),
    table: {
      columns: [{ key: 'process', label: 'process' }, { key: 'program', label: 'program' }, { key: 'pid', label: 'pid' }, { key: 'thread', label: 'thread with the traffic' }, { key: 'core', label: 'core' }, { key: 'sockets', label: 'sockets' }],
      rows: observation.members.map(({ name, program, pid, thread }) => ({
        process: name, program, pid, thread: thread.name, core: thread.cpu, sockets: listens(data, name).join('; '),
      })),
    },
    paper: paperSays('fig03'),
    notes: [
      "The paper's Figure 3 has BookInfo's four services; those follow with the notebooks of the applications. This one shows the pair of services that was observed.",
      'Both pods share the loopback interface of one machine here: they are drawn apart, not kept apart. Service A is the process that made this observation.',
    ],
    judgements: [],
  };
}

interface Hop {
  from: MemberName;
  to: MemberName;
}

const hops: Hop[] = [
  { from: 'service A', to: 'sidecar A' }, { from: 'sidecar A', to: 'sidecar B' }, { from: 'sidecar B', to: 'service B' },
];

function podX(pod: number): number {
  return pod === 0 ? 0 : canvasWidth - podWidth;
}

function corner(name: MemberName): { x: number; y: number } {
  const [pod, row] = places[name];
  return { x: podX(pod) + inset, y: podHead + row * (memberHeight + between) };
}

function memberBox(data: DeploymentData, { name, program, pid, thread }: PairMember): Box {
  const { backend, envoy } = data.observation;
  const what = { 'service A': `calls B (${program})`, 'service B': `${backend.name} echo ${backend.version} (${program})` };
  const sidecar = name === 'sidecar A' || name === 'sidecar B';
  return {
    ...corner(name), width: podWidth - 2 * inset, height: memberHeight, title: name,
    lines: [
      sidecar ? `Envoy ${envoy.version}, ${data.observation.policy.label}` : what[name as keyof typeof what],
      `pid ${pid}`,
      `thread ${thread.name} on core ${thread.cpu}`,
      ...listens(data, name),
    ],
    fill: sidecar ? '#EAF2FB' : '#FBF6E4', colour: sidecar ? '#332288' : '#999933',
  };
}

function listens({ observation }: DeploymentData, name: MemberName): string[] {
  const own = observation.listening.filter(({ owner }) => owner === name);
  const trafficFirst = [...own].sort((a, b) => b.purpose.localeCompare(a.purpose));
  return trafficFirst.map(({ address: { host, port }, purpose }) => `${purpose === 'admin' ? 'admin page' : 'listens'} on ${host}:${port}`);
}

/** Down within A's pod, across, up within B's. */
function arrow({ from, to }: Hop): Arrow {
  const [a, b] = [corner(from), corner(to)];
  const width = podWidth - 2 * inset;
  if (a.y === b.y) return { from: [a.x + width, a.y + memberHeight / 2], to: [b.x, b.y + memberHeight / 2] };
  const x = a.x + 40;
  return b.y > a.y ? { from: [x, a.y + memberHeight], to: [x, b.y] } : { from: [x, a.y], to: [x, b.y + memberHeight] };
}

function hopLabels(data: DeploymentData, { from, to }: Hop): Label[] {
  const lines = [...connectionLines(data, { from, to }), `${requestsOver(data, to)} requests`];
  const { from: start, to: end } = arrow({ from, to });
  const across = start[1] === end[1];
  const x = across ? (start[0] + end[0]) / 2 : start[0] + 12;
  const top = across ? start[1] - lines.length * lineHeight - 6 : (start[1] + end[1]) / 2 - (lines.length * lineHeight) / 2;
  return lines.map((text, i) => ({ x, y: top + i * lineHeight, text, anchor: across ? 'center' : 'left' }));
}

function connectionLines({ observation }: DeploymentData, { from, to }: Hop): string[] {
  const found = observation.connections.filter((connection) => connection.from === from && connection.to === to);
  if (found.length === 0) return ['no connection seen'];
  const [{ fromPort, toPort }] = found;
  return [found.length === 1 ? '1 connection' : `${found.length} connections`, `:${fromPort} to :${toPort}`];
}

/** By the count of whoever knows: service B counts nothing, so what B's sidecar passed on. */
function requestsOver({ observation: { requests } }: DeploymentData, to: MemberName): number {
  if (to === 'sidecar A') return requests.egress.received;
  return to === 'sidecar B' ? requests.ingress.received : requests.ingress.passedOn;
}
