import { expect, test } from 'vitest';
import { differences, type Notebook } from '../../../lib/report/notebooks.js';

const figure = (y: number[]) => ({ data: { 'application/vnd.plotly.v1+json': { data: [{ x: ['a'], y }], layout: {} }, 'image/png': 'old' } });
const notebook = (source: string | string[], outputs: object[]): Notebook => ({ cells: [{ cell_type: 'code', source, outputs }] });

test('the same text and figures are no difference, whatever the pictures, the key order and the way lines are kept', () => {
  const other = { data: { 'image/png': 'new', 'application/vnd.plotly.v1+json': { layout: {}, data: [{ y: [1, 2], x: ['a'] }] } } };
  expect(differences(notebook('a\nb', [figure([1, 2])]), notebook(['a\n', 'b'], [other]))).toEqual([]);
});

test('printed text may differ: it may name this machine', () => {
  expect(differences(notebook('a', [{ text: 'x' }]), notebook('a', [{ text: 'y' }]))).toEqual([]);
});

test('another text, another figure, a missing figure and another number of cells are named', () => {
  expect(differences(notebook('a', []), notebook('b', []))).toEqual(['cell 1: text differs']);
  expect(differences(notebook('a', [figure([1, 2])]), notebook('a', [figure([2, 1])]))).toEqual(['cell 1: figures differ']);
  expect(differences(notebook('a', [figure([1])]), notebook('a', []))).toEqual(['cell 1: figures differ']);
  expect(differences(notebook('a', []), { cells: [] })).toEqual(['1 cells committed, 0 in the text']);
});
