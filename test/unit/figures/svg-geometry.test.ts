import { JSDOM } from 'jsdom';
import { expect, test } from 'vitest';
import { ownBox, pageBox, textLength, type SvgNode } from '../../../lib/figures/svg-geometry.js';

function svg(inner: string): SvgNode {
  const { window } = new JSDOM(`<svg xmlns="http://www.w3.org/2000/svg">${inner}</svg>`);
  return window.document.querySelector('#it') as unknown as SvgNode;
}

const rounded = (box: object) => Object.fromEntries(Object.entries(box).map(([key, value]) => [key, Math.round(value as number)]));

test('a text is as wide as its letters at the font size it inherits', () => {
  expect(textLength(svg('<g style="font-size: 20px"><text id="it">ten letter</text></g>'))).toBeCloseTo(110);
});

test('a middle anchor puts half of the text to the left', () => {
  expect(rounded(ownBox(svg('<text id="it" x="50" y="30" style="font-size:10px;text-anchor:middle">abcd</text>')))).toEqual({ left: 39, right: 61, top: 20, bottom: 32 });
});

test('the page box goes through every transform, the own box only through those inside', () => {
  const node = '<g transform="translate(100,0)"><g id="it" transform="translate(0,7)"><rect x="1" y="2" width="3" height="4" transform="rotate(90)"/></g></g>';
  expect(rounded(ownBox(svg(node)))).toEqual({ left: -6, right: -2, top: 1, bottom: 4 });
  expect(rounded(pageBox(svg(node)))).toEqual({ left: 94, right: 98, top: 8, bottom: 11 });
});

test('what is not displayed has no box', () => {
  expect(ownBox(svg('<g id="it"><rect width="9" height="9" style="display:none"/></g>'))).toEqual({ left: 0, right: 0, top: 0, bottom: 0 });
});
