import { describe, expect, test } from 'vitest';
import type { DeploymentData } from '../../../lib/experiments/deployment.js';
import { canvasWidth, textSize, wrap } from '../../../lib/figures/diagram.js';
import { fig02 } from '../../../lib/figures/fig02.js';
import { fig03 } from '../../../lib/figures/fig03.js';
import { fig04 } from '../../../lib/figures/fig04.js';
import type { Item } from '../../../lib/figures/item.js';
import { textWidth } from '../../../lib/figures/svg-geometry.js';
import { deploymentData as data } from './deployment-data.js';

interface Note { text: string; x: number; y: number; xanchor: 'left' | 'center' | 'right'; font?: { color: string } }

function notes({ figure }: Item): Note[] {
  return ((figure!.layout.annotations ?? []) as unknown as Note[]).filter(({ text }) => text !== '');
}

function texts(item: Item): string[] {
  return notes(item).map(({ text }) => text.replace(/<\/?b>/g, ''));
}

function observed(change: Partial<DeploymentData['observation']>): DeploymentData {
  return { ...data, observation: { ...data.observation, ...change } };
}

const all = { fig02, fig03, fig04 };

describe.each(Object.entries(all))('%s', (id, figure) => {
  test('goes by the id of the paper', () => expect(figure(data).item).toBe(id));
  test('keeps every text on the canvas and apart from the others, by estimated widths', () => {
    const boxes = notes(figure(data)).map(({ text, x, y, xanchor }) => {
      const width = textWidth(text.replace(/<\/?b>/g, ''), textSize);
      const left = xanchor === 'center' ? x - width / 2 : x;
      return { text, left, right: left + width, top: y, bottom: y + textSize };
    });
    expect(boxes.filter(({ left, right }) => left < 0 || right > canvasWidth)).toEqual([]);
    const overlaps = boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).map((b) => [a.text, b.text]));
    expect(overlaps).toEqual([]);
  });
  test('says whether it was seen live or in which recording', () => {
    expect(figure(data).figure!.layout.meta.method).toContain('live');
    expect(figure({ ...data, origin: 'amd-epyc-2026-11-23' }).figure!.layout.meta.method).toContain('amd-epyc-2026-11-23');
  });
});

describe('fig02', () => {
  test('shows a collector that is not here with the reason, in a colour of its own', () => {
    const found = notes(fig02(data));
    const missing = found.find(({ text }) => text.startsWith('not here'))!;
    expect(missing.text).toBe('not here: the CPU shows no performance monitoring unit');
    expect(missing.font!.color).not.toBe(found.find(({ text }) => text.startsWith('6.1; samples'))!.font!.color);
  });
  test('says when another echo stands in for the paper\'s', () => {
    const standIn = fig02(observed({ backend: { name: 'node', version: '20', standInReason: 'no libuv' } }));
    expect(texts(standIn).join(' ')).toContain('a node echo 20 in place of socketify');
  });
});

describe('fig03', () => {
  test('labels each connection with its ports and the requests that its receiver counted', () => {
    expect(texts(fig03(data)).filter((text) => /^:|requests$/.test(text))).toEqual([
      ':51000 to :2000', '20 requests', ':52000 to :3000', '19 requests', ':53000 to :4000', '18 requests',
    ]);
  });
  test('does not claim a connection that the kernel did not have', () => {
    const cut = fig03(observed({ connections: data.observation.connections.slice(0, 2) }));
    expect(texts(cut)).toContain('no connection seen');
  });
  test('lists every process with its core and sockets, traffic first', () => {
    expect(fig03(data).table!.rows[1]).toEqual({
      process: 'sidecar A', program: 'envoy', pid: 200, thread: 'wrk:worker_0', core: 1, sockets: 'listens on 127.0.0.1:2000; admin page on 127.0.0.1:2001',
    });
  });
});

describe('fig04', () => {
  test('gives the median time by each path, and as added the median of the differences round by round', () => {
    expect(fig04(data).rows.map(({ series, x, value, method }) => [series, x, value, method])).toEqual([
      ['whole call', 'straight to service B', 200, 'measured: latency'],
      ['whole call', "through B's sidecar", 500, 'measured: latency'],
      ['whole call', 'through both sidecars', 690, 'measured: latency'],
      ['added by', 'sidecar B (ingress)', 300, 'measured: latency'],
      ['added by', 'sidecar A (egress)', 200, 'measured: latency'],
    ]);
  });
  test('lists the components of Table 2 in each sidecar, in its order', () => {
    const listed = texts(fig04(data)).filter((text) => /^(OS|Sidecar (Read|Write|Filter)|Event|Packet)/.test(text));
    expect(listed.slice(0, 4)).toEqual(['OS Read', 'Sidecar Read', 'Packet Processing', 'Sidecar Filter (router)']);
    expect(listed.length).toBe(14);
  });
  test('explains the change of core only where there was one', () => {
    const together = data.observation.members.map((member) => ({ ...member, thread: { ...member.thread, cpu: 0 } }));
    expect(fig04(data).notes.join()).toContain('adds a change of core');
    expect(fig04(observed({ members: together })).notes.join()).not.toContain('change of core');
  });
});

test('wrap breaks between words only and loses none', () => {
  const text = 'raw output of every run with its provenance';
  const lines = wrap(text, 120);
  expect(lines.length).toBeGreaterThan(2);
  expect(lines.join(' ')).toBe(text);
  expect(lines.every((line) => textWidth(line, textSize) < 120)).toBe(true);
});
