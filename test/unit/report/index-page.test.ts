import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { JSDOM } from 'jsdom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claims } from '../../../lib/paper/claims.js';
import { indexPage, itemName, type IndexContent, type IndexItem } from '../../../lib/report/index-page.js';
import { assembleClaims, judge } from '../../../lib/report/verdicts.js';

let folder: string;
let svg: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'index-page-'));
  svg = path.join(folder, 'fig07.svg');
  fs.writeFileSync(svg, '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const hostile = `<script>alert("x")</script>&'`;

function content(more: Partial<IndexContent> = {}, item: Partial<IndexItem> = {}): IndexContent {
  const evidence = { value: 58, interval: [54, 60] as [number, number], unit: '%', method: 'measured: sampled stacks' as const, origin: hostile, runs: [] };
  return {
    items: [{ item: 'fig07', title: hostile, notebook: 'notebooks/03.html', svgOrPngPath: svg, jsonPath: 'fig07.json', methods: ['measured: sampled stacks'], origins: ['live'], ...item }],
    claims: assembleClaims([judge('C07', undefined, evidence)]),
    machine: { CPU: hostile },
    recordings: [{ name: 'epyc-2026', description: 'AMD EPYC' }],
    generatedBy: 'sidecar-workbench 0.1.0',
    ...more,
  };
}

const parse = (page: string) => new JSDOM(page).window.document;
let plain: Document;
beforeAll(() => {
  plain = parse(indexPage(content()));
});

describe('index page', () => {
  it('lists every reading of all 48 claims', () => {
    const rows = [...plain.querySelectorAll('#verdicts tr.claim')].map((row) => `${row.getAttribute('data-claim')} ${row.getAttribute('data-reading')}`);
    expect(new Set(rows)).toEqual(new Set(claims.flatMap((claim) => claim.readings.map((reading) => `${claim.id} ${reading.id}`))));
    expect(rows.length).toBe(new Set(rows).size);
  });

  it('is well-formed: every element it opens is closed where it was meant', () => {
    const page = indexPage(content({ plotlyPath: 'plotly.min.js' }, { tableHtml: '<table><tbody><tr><td>1</td></tr></tbody></table>', figure: { data: [], layout: {} } }));
    const body = page.slice(page.indexOf('<body>'), page.indexOf('</body>')).replace(/<script[\s\S]*?<\/script>/g, '').replace('<body>', '');
    expect(() => new JSDOM(`<r>${body.replace(/<(br|img)([^>]*)>/g, '<$1$2/>').replace(/ hidden/g, '')}</r>`, { contentType: 'application/xml' })).not.toThrow();
  });

  it('counts modelled verdicts apart', () => {
    const counts = [...plain.querySelectorAll('.counts li')].map((entry) => entry.textContent);
    expect(counts[0]).toBe('1inconclusive, modelled');
  });

  it('escapes what it prints, and runs no script that a value holds', () => {
    const page = indexPage(content({ plotlyPath: 'plotly.min.js' }, { figure: { data: [{ name: '</script><script>x' }], layout: {} } }));
    const document = parse(page);
    expect(page).not.toContain('<script>alert');
    expect(document.querySelector('#machine td')!.textContent).toBe(hostile);
    expect(document.querySelector('#fig07 img')!.getAttribute('alt')).toBe(hostile);
    expect(JSON.parse(document.getElementById('fig07-figure')!.textContent!).data[0].name).toBe('</script><script>x');
    expect(document.querySelectorAll('script').length).toBe(2);
  });

  it('asks for nothing outside itself', () => {
    const document = parse(indexPage(content({ plotlyPath: 'plotly.min.js' })));
    const sources = [...document.querySelectorAll('[src], link[href]')].map((element) => element.getAttribute('src') ?? element.getAttribute('href')!);
    expect(sources.every((source) => source.startsWith('data:'))).toBe(true);
    expect(document.querySelector('style')!.textContent).not.toMatch(/url\(|@import/);
  });

  it('shows each figure with its method, origin, notebook, data and the verdicts it feeds', () => {
    const article = plain.getElementById('fig07')!;
    expect(article.querySelector('img')!.getAttribute('src')).toMatch(/^data:image\/svg\+xml;base64,/);
    expect(article.querySelector('figcaption')!.textContent).toBe('Method: measured: sampled stacks. Origin: live.');
    expect([...article.querySelectorAll('h3 a')].map((link) => link.getAttribute('href'))).toEqual(['notebooks/03.html', 'fig07.json']);
    const beside = [...article.querySelectorAll('table.beside tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent));
    expect(beside[0]).toEqual(['C07', 'HTTP protocol parsing, share of cycles', '50 % (section 5.2)', '58 [54, 60] %', '~ inconclusive, modelled']);
    expect(beside.at(-1)).toEqual(['C46', expect.any(String), 'gradual decrease (section 5.2)', '–', '– unavailable']);
  });

  it('says so where there is no picture', () => {
    expect(parse(indexPage(content({}, { svgOrPngPath: null }))).getElementById('fig07')!.textContent).toContain('No picture');
  });

  it('names a picture that is missing, or of another kind', () => {
    expect(() => indexPage(content({}, { svgOrPngPath: path.join(folder, 'none.svg') }))).toThrow('none.svg does not exist');
    expect(() => indexPage(content({}, { svgOrPngPath: 'a.gif' }))).toThrow('neither .svg nor .png');
  });
});

describe('names of items', () => {
  it.each([['fig07', 'Fig 7'], ['fig11a', 'Fig 11a'], ['tab03', 'Table 3'], ['abstract', 'Abstract']])('%s reads %s', (item, name) => {
    expect(itemName(item)).toBe(name);
  });
});
