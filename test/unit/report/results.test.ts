import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fig06 } from '../../../lib/figures/fig06.js';
import type { Item } from '../../../lib/figures/item.js';
import { approximateNote } from '../../../lib/figures/render.js';
import { tab03 } from '../../../lib/figures/tab03.js';
import { claims } from '../../../lib/paper/claims.js';
import { tableHtml, writeResults } from '../../../lib/report/results.js';
import { capacityData, componentsData } from '../figures/cost-data.js';

const figure = fig06([capacityData([{ id: 'tcp', kneePerS: 24_000, cpuUs: 40, p99Ms: [[1, 2, 30]] }, { id: 'http', kneePerS: 10_000, cpuUs: 100, p99Ms: [[1, 2, 40]] }])]);
const table = tab03(componentsData([{ id: 'http', instructions: { 'Event Poll': 100 } }]));
const context = { pageOf: (item: string) => (item === 'fig06' ? 'notebooks/02-capacity.html' : null), machine: { CPU: 'Tiny' }, recordings: [], generatedBy: 'test' };

describe('results without a browser', () => {
  const earlier = process.env.CHROME;
  let dir: string;
  let remarks: string[];
  const file = (name: string) => path.join(dir, name);
  const json = <T>(name: string) => JSON.parse(fs.readFileSync(file(name), 'utf8')) as T;
  beforeAll(async () => {
    process.env.CHROME = '/nonexistent';
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'results-'));
    fs.writeFileSync(file('fig06.png'), 'of an earlier drawing');
    remarks = await writeResults(dir, [figure], [figure, table], context);
  }, 30_000);
  afterAll(() => {
    if (earlier === undefined) delete process.env.CHROME;
    else process.env.CHROME = earlier;
    fs.rmSync(dir, { recursive: true });
  });

  it('hold rows, picture and the paper\'s words of each item as JSON, only of those asked for', () => {
    expect(json('fig06.json')).toMatchObject({ item: 'fig06', rows: JSON.parse(JSON.stringify(figure.rows)) as object[], paper: figure.paper, notes: figure.notes });
    expect(json<{ rows: object[] }>('fig06.json').rows[0]).toMatchObject({ series: expect.any(String), unit: 'us', method: 'measured: latency', runs: [expect.any(String)] });
    expect(fs.existsSync(file('tab03.json'))).toBe(false);
  });

  it('hold every reading of every claim, whatever was asked for', () => {
    expect(json<{ id: string; reading: string }[]>('claims.json').map(({ id, reading }) => `${id} ${reading}`))
      .toEqual(claims.flatMap(({ id, readings }) => readings.map((reading) => `${id} ${reading.id}`)));
    expect(json<{ id: string; reason: string }[]>('claims.json').find(({ id }) => id === 'C13')!.reason).toContain('CPU time of the composition');
  });

  it('have an SVG that says its text is approximate, and no PNG left of an earlier drawing', () => {
    expect(fs.readFileSync(file('fig06.svg'), 'utf8')).toContain(approximateNote);
    expect(fs.existsSync(file('fig06.png'))).toBe(false);
    expect(remarks).toEqual(['no Chrome, Chromium or Edge found: pictures are SVG only and their text widths are estimates']);
  });

  it('have a page with the verdicts and cautions, which leads to the data and the notebook', () => {
    const page = fs.readFileSync(file('index.html'), 'utf8');
    const parts = ['fig06.json', 'notebooks/02-capacity.html', 'C04', ...figure.notes];
    expect(parts.filter((part) => !page.includes(part))).toEqual([]);
    expect(page.includes('tab03.json')).toBe(false);
  });

  it('get a table without a picture when asked for it later, and keep what was there', async () => {
    const later = fs.mkdtempSync(path.join(os.tmpdir(), 'results-'));
    onTestFinished(() => fs.rmSync(later, { recursive: true }));
    fs.cpSync(dir, later, { recursive: true });
    await writeResults(later, [table], [figure, table], context);
    expect(fs.readdirSync(later)).toEqual(expect.arrayContaining(['fig06.json', 'fig06.svg', 'tab03.json']));
    expect(fs.existsSync(path.join(later, 'tab03.svg'))).toBe(false);
    const page = fs.readFileSync(path.join(later, 'index.html'), 'utf8');
    expect(['fig06.json', 'tab03.json'].filter((part) => !page.includes(part))).toEqual([]);
  });
});

describe('a table as HTML', () => {
  it('escapes what it shows, and leaves cells empty that a row does not have', () => {
    const view: Item['table'] = { columns: [{ key: 'a', label: '<A>' }, { key: 'b', label: 'B' }], rows: [{ a: '1 & "2"' }] };
    expect(tableHtml(view!)).toBe('<table><thead><tr><th>&lt;A&gt;</th><th>B</th></tr></thead><tbody>\n<tr><td>1 &amp; &quot;2&quot;</td><td></td></tr>\n</tbody></table>');
  });
});
