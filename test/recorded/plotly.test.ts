/** What Plotly itself says of the figures; apart from the units, since it takes seconds to load. */
import { describe, expect, test } from 'vitest';
import { fig06 } from '../../lib/figures/fig06.js';
import { fig07 } from '../../lib/figures/fig07.js';
import { drawSvgApproximately, validateFigure } from '../../lib/figures/plotly-jsdom.js';
import { styled, type FigureSpec } from '../../lib/figures/style.js';
import { buildItems } from '../../lib/report/items.js';
import { RunStore } from '../../lib/store/run-store.js';
import { capacityData, componentsData, type PolicyCapacity, type PolicyCost } from '../unit/figures/cost-data.js';

describe('every figure', { timeout: 120_000 }, () => {
  test('drawn from the committed recordings is one that Plotly has nothing to say against', async () => {
    const { items, missing } = await buildItems(new RunStore(null));
    expect(missing).toEqual([]);
    const drawn = items.filter(({ figure }) => figure !== null);
    expect(drawn.length).toBeGreaterThan(5);
    for (const { item, figure } of drawn) expect([item, await validateFigure(figure!)]).toEqual([item, []]);
  });

  test('is so too with several machines, and with hardware counters of some policies only', async () => {
    const tcp: PolicyCapacity = { id: 'tcp', kneePerS: 24_000, cpuUs: 40, p99Ms: [[1, 2, 30], [1.1, 2.1, 31], [0.9, 1.9, 29]] };
    const machines = [capacityData([tcp]), capacityData([tcp], { recording: { name: 'b', origin: 'b' }, cpuModel: 'Other CPU' })];
    expect(await validateFigure(fig06(machines).figure!)).toEqual([]);
    const counted = (id: string, kernel: [number, number] | [null, null]): PolicyCost => ({
      id, cpuUs: [60, 62, 64], instructions: { 'Event Poll': 6_000 }, samples: { 'Event Poll': [50, 0] },
      counters: Array.from({ length: 6 }, (_, i) => [100 + i, 80 + i, ...kernel]),
    });
    expect(await validateFigure(fig07(componentsData([counted('http', [100, 40]), counted('tcp', [null, null])])).figure!)).toEqual([]);
  });
});

const spec: FigureSpec = { title: 'T', alt: 'a line', method: 'measured: latency · live', data: [{ type: 'scatter', x: [1, 2], y: [1, 2] }] };

describe('Plotly without a browser', { timeout: 60_000 }, () => {
  test('accepts the house style and names a misspelt attribute', async () => {
    expect(await validateFigure(styled(spec))).toEqual([]);
    expect(await validateFigure(styled({ ...spec, layout: { yaxis: { titel: 'x' } as object } }))).toEqual(['In layout, key yaxis.titel is not part of the schema']);
  });

  test('draws titles, ticks and a heatmap, and leaves room for long labels', async () => {
    const svg = await drawSvgApproximately(styled({ ...spec, data: [{ type: 'heatmap', y: ['a rather long label', 'b'], z: [[1, 2], [3, 4]] }] }));
    expect(svg).toContain('measured: latency · live');
    expect(svg).toMatch(/<image[^>]*href="data:image\/png;base64,/);
    const plotLeft = Number(/class="axesclip" id="\w+x"><rect x="(\d+)"/.exec(svg)?.[1]);
    expect(plotLeft).toBeGreaterThan('a rather long label'.length * 14 * 0.5);
  });
});
