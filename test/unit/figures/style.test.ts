import { expect, test } from 'vitest';
import { machineColour, componentColour, policyColour } from '../../../lib/figures/palette.js';
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
