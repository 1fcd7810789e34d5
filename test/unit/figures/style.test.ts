import { describe, expect, test } from 'vitest';
import { machineColour, componentColour, policyColour } from '../../../lib/figures/palette.js';
import { drawSvgApproximately, validateFigure } from '../../../lib/figures/plotly-jsdom.js';
import { styled, type FigureSpec } from '../../../lib/figures/style.js';
import { components } from '../../../lib/paper/components.js';

const spec: FigureSpec = { title: 'T', alt: 'a line', method: 'measured: latency · live', data: [{ type: 'scatter', x: [1, 2], y: [1, 2] }] };

test('a figure without a method is refused', () => {
  expect(() => styled({ ...spec, method: ' ' })).toThrow('figure "T" has no method');
});

test('the method stands under the title, and an axis keeps the style beside its own words', () => {
  const { layout } = styled({ ...spec, layout: { yaxis: { type: 'log', title: { text: 'µs' } } } });
  expect(layout.title).toMatchObject({ text: 'T', subtitle: { text: 'measured: latency · live' } });
  expect(layout.yaxis).toMatchObject({ type: 'log', automargin: true, title: { text: 'µs', standoff: 12 } });
});

test('no two components share a colour, and a policy keeps its own', () => {
  expect(new Set([...components, 'Unattributed' as const].map(componentColour)).size).toBe(10);
  expect(policyColour('my-own')).toBe(policyColour('my-own'));
  expect(machineColour(7)).toBe(machineColour(0));
});

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
