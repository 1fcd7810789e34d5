/** Figure 2: the framework, each of its parts with what is live of it on the machine that was looked at. */
import { policies } from '../deploy/catalogue.js';
import type { DeploymentData } from '../experiments/deployment.js';
import type { Capability, CapabilityName } from '../host/capabilities.js';
import { claims } from '../paper/claims.js';
import { boxHeight, canvasWidth, diagram, lineHeight, wrap, type Arrow, type Box, type Label } from './diagram.js';
import { observedLine, paperSays, type Item } from './item.js';

const gap = 28;
const third = (canvasWidth - 2 * gap) / 3;
const nameWidth = 145;
const unavailableColour = '#882255';

export function fig02(data: DeploymentData): Item {
  const top = row(0, [
    ['Policies', `${policies.length} in the catalogue, the paper's and their variants, each a list of filters; any composition, or your own envoy.yaml`],
    ['Deploy', deployed(data)],
    ['Load', generators(data)],
  ]);
  const collectors = collectorBox(data, bottomOf(top) + gap);
  const bottom = row(bottomOf([collectors.box]) + gap, [
    ['Store', 'raw output of every run with its provenance, by a key of what was asked; never changed'],
    ['Analysis', "names for a stripped binary's functions, Table 2's components, cost model, bootstrap intervals"],
    ['Figures', `every value with its method and origin, the paper's beside, a verdict on each of ${claims.length} claims`],
  ]);
  return {
    item: 'fig02',
    title: 'Figure 2: the framework',
    rows: [],
    figure: diagram({
      title: `Figure 2: the framework, with what is live on ${data.origin === 'live' ? 'this machine' : 'the recorded machine'}`,
      alt: 'Boxes from policies over deployment, load, collectors and the store to analysis and figures, each with what of it the machine has.',
      method: observedLine('versions asked of the programs, collectors tried', data),
      height: bottomOf(bottom),
      boxes: [...top, collectors.box, ...bottom],
      arrows: [...between(top), down(top[2], collectors.box, top[2]), down(collectors.box, bottom[0], bottom[0]), ...between(bottom)],
      labels: collectors.labels,
    }),
    table: null,
    paper: paperSays('fig02'),
    notes: [],
    judgements: [],
  };
}

function deployed({ observation: { envoy, backend } }: DeploymentData): string {
  const echo = backend.standInReason === null ? `the ${backend.name} echo ${backend.version}, as in the paper` : `a ${backend.name} echo ${backend.version} in place of socketify`;
  return `Envoy ${envoy.version}, build ${envoy.buildId.slice(0, 12)}, one worker alone on a core; behind it ${echo}`;
}

function generators({ observation: { capabilities } }: DeploymentData): string {
  const names: CapabilityName[] = ['native generator', 'npm generator'];
  const there = names.map((name) => `${name.split(' ')[0]} generator ${capabilities[name].available ? 'ready' : 'not here'}`);
  return `${there.join(', ')}; open loop, latency from the intended send time, HDR histograms`;
}

/** Three boxes of one height. */
function row(y: number, texts: [title: string, text: string][]): Box[] {
  const lines = texts.map(([, text]) => wrap(text, third));
  const height = boxHeight(Math.max(...lines.map(({ length }) => length)));
  return texts.map(([title], i) => ({ x: i * (third + gap), y, width: third, height, title, lines: lines[i], fill: '#F4F6FA', colour: '#332288' }));
}

/** One line a collector; the reason where there is none. */
function collectorBox({ observation: { capabilities } }: DeploymentData, y: number): { box: Box; labels: Label[] } {
  const found = (Object.entries(capabilities) as [CapabilityName, Capability][]).filter(([, { kind }]) => kind === 'collector');
  const entries = found.flatMap(([name, capability]) => wrap(detailOf(capability), canvasWidth - nameWidth).map((detail, i) => ({
    name: i === 0 ? name : '', detail, colour: capability.available ? undefined : unavailableColour,
  })));
  const box: Box = { x: 0, y, width: canvasWidth, height: boxHeight(entries.length) + lineHeight / 2, title: 'Collectors', fill: '#F4FAF6', colour: '#117733' };
  const labels = entries.flatMap(({ name, detail, colour }, i) => {
    const top = y + boxHeight(i);
    return [{ x: 8, y: top, text: name, bold: true, colour }, { x: 8 + nameWidth, y: top, text: detail, colour }];
  });
  return { box, labels: labels.filter(({ text }) => text !== '') };
}

function detailOf(capability: Capability): string {
  if (!capability.available) return `not here: ${capability.reason}`;
  return `${capability.version}${capability.note ? `; ${capability.note}` : ''}`;
}

function bottomOf(boxes: Box[]): number {
  return Math.max(...boxes.map(({ y, height }) => y + height));
}

function between(boxes: Box[]): Arrow[] {
  return boxes.slice(1).map((box, i) => ({ from: [boxes[i].x + boxes[i].width, box.y + box.height / 2], to: [box.x, box.y + box.height / 2] }));
}

/** From under one box to the top of another, in the middle of `column`. */
function down(from: Box, to: Box, column: Box): Arrow {
  const x = column.x + column.width / 2;
  return { from: [x, from.y + from.height], to: [x, to.y] };
}
