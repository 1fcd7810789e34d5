/** results/index.html: every verdict, figure and table on one page that needs no network and no server. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { indexStyle } from './index-style.js';
import { countLabels, number, type Judgement } from './verdicts.js';

export interface IndexItem {
  /** `fig07`, `tab03`: the page's anchor, and what claims refer to. */
  item: string;
  /** With the item's name: `Figure 6: tail latency against throughput`. */
  title: string;
  /** Exported notebook, relative to the page; null when it was not executed. */
  notebook: string | null;
  /** Picture that is read and inlined; null when there is none (a table, or no renderer). */
  svgOrPngPath: string | null;
  /** Data behind it, relative to the page. */
  jsonPath: string;
  /** A table as HTML, already escaped. */
  tableHtml?: string;
  /** Plotly figure, offered as an interactive one when the page knows where plotly is. */
  figure?: { data: unknown[]; layout: object };
  /** How its values were obtained, and where: printed under it. */
  methods: string[];
  origins: string[];
  /** Findings and cautions, one sentence each: printed below it. */
  notes?: readonly string[];
}

export interface IndexContent {
  items: readonly IndexItem[];
  /** As {@link import('./verdicts.js').assembleClaims} returns them. */
  claims: readonly Judgement[];
  /** Facts about the machine that made the page: name to value, in order. */
  machine: Record<string, string>;
  /** Recordings the page draws on. */
  recordings: readonly { name: string; description: string }[];
  /** Project version, command and time, as one line. */
  generatedBy: string;
  /** plotly.min.js relative to the page; without it figures stay pictures. */
  plotlyPath?: string;
}

/** Renders the page. @throws Error when a named picture does not exist or is neither SVG nor PNG. */
export function indexPage(content: IndexContent): string {
  const { items, claims, machine, recordings, generatedBy, plotlyPath } = content;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sidecar-workbench: results</title>
<link rel="icon" href="data:,">
<style>${indexStyle}</style>
</head>
<body>
<header>
<h1>What a sidecar costs, measured again</h1>
<p class="soft">Results beside the claims of “Understanding Sidecars in Cloud Orchestration” (SESAME'25, <a href="https://doi.org/10.1145/3721465.3721862">doi:10.1145/3721465.3721862</a>).</p>
<nav><a href="#verdicts">Verdicts</a>${items.map(({ item }) => `<a href="#${escape(item)}">${escape(itemName(item))}</a>`).join('')}<a href="#machine">Machine and data</a></nav>
</header>
<main>
${verdictSection(claims)}
<section id="results"><h2>Figures and tables</h2>
${items.map((item) => itemSection(item, claims, plotlyPath)).join('\n')}
</section>
${machineSection(machine, recordings)}
</main>
<footer>${escape(generatedBy)}</footer>
${plotlyPath ? interactiveScript(plotlyPath) : ''}
</body>
</html>
`;
}

/** `fig11a` → `Fig 11a`, `tab03` → `Table 3`; anything else as it is, capitalised. */
export function itemName(item: string): string {
  const match = /^(fig|tab)0*(\w+)$/.exec(item);
  if (!match) return item.charAt(0).toUpperCase() + item.slice(1);
  return `${match[1] === 'fig' ? 'Fig' : 'Table'} ${match[2]}`;
}

function verdictSection(claims: readonly Judgement[]): string {
  const judged = claims.filter(({ verdict }) => verdict !== 'unavailable');
  const open = claims.filter(({ verdict }) => verdict === 'unavailable');
  const ids = new Set(claims.map(({ id }) => id)).size;
  return `<section id="verdicts"><h2>Verdicts</h2>
<p class="soft">${ids} claims in ${claims.length} readings: where the paper gives several values for a claim, or contradicts itself, each reading is judged. A verdict that rests on simulated or modelled values says so and is counted apart.</p>
<ul class="counts">${countLabels(claims).map(({ label, count }) => `<li><b>${count}</b><span class="${escape(label.split(',')[0])}">${escape(label)}</span></li>`).join('')}</ul>
${judged.length > 0 ? claimsTable(judged) : '<p>Nothing has been judged yet.</p>'}
${open.length > 0 ? `<details><summary>${open.length} readings without a value</summary>${claimsTable(open)}</details>` : ''}
</section>`;
}

function claimsTable(claims: readonly Judgement[]): string {
  return `<div class="scroll"><table class="claims">
<thead><tr><th>Claim</th><th>The paper</th><th>Here</th><th>Verdict</th></tr></thead>
<tbody>
${claims.map((claim, i) => claimRow(claim, claims[i - 1]?.id === claim.id)).join('\n')}
</tbody></table></div>`;
}

/** The claim's sentence stands with its first reading only. */
function claimRow(claim: Judgement, again: boolean): string {
  return `<tr class="claim" data-claim="${escape(claim.id)}" data-reading="${escape(claim.reading)}">
<td>${again ? '' : `<b>${escape(claim.id)}</b><br> <span class="soft">${escape(itemName(claim.item))}</span>`}</td>
<td>${again ? '' : `${escape(claim.claim)}<br>`}<span class="soft">${escape(claim.quantity)}:</span> ${escape(claim.paper)}</td>
<td>${measuredText(claim)}</td>
<td>${verdictText(claim)}<br><span class="soft">${escape(claim.reason)}</span></td>
</tr>`;
}

function measuredText(claim: Judgement): string {
  if (claim.value === null) return '<span class="soft">no value</span>';
  return `${valueText(claim)}<br><span class="soft">${escape(claim.method)}; ${escape(claim.origin)}</span>`;
}

function valueText({ value, unit, interval }: Judgement): string {
  const range = interval ? ` <span class="soft">[${number(interval[0])}, ${number(interval[1])}]</span>` : '';
  return `${number(value as number)}${range} ${escape(unit)}`;
}

/** A sign besides the colour, so that it survives print and colour blindness. */
function verdictText({ verdict, label }: Judgement): string {
  const signs = { reproduced: '✓', differs: '✗', inconclusive: '~', unavailable: '–' };
  return `<span class="verdict ${verdict}">${signs[verdict]} ${escape(label)}</span>`;
}

function itemSection(item: IndexItem, claims: readonly Judgement[], plotlyPath: string | undefined): string {
  const own = claims.filter((claim) => claim.item === item.item);
  const links = [item.notebook && `<a href="${escape(item.notebook)}">notebook</a>`, `<a href="${escape(item.jsonPath)}">data (JSON)</a>`].filter(Boolean);
  return `<article id="${escape(item.item)}">
<h3>${escape(item.title)}<span class="item">${links.join(' · ')}</span></h3>
<figure>
${picture(item, plotlyPath)}
${item.tableHtml ? `<div class="scroll">${item.tableHtml}</div>` : ''}
<figcaption class="source">Method: ${escape(item.methods.join('; ') || 'unavailable')}. Origin: ${escape(item.origins.join(', ') || 'none')}.</figcaption>
</figure>
${item.notes?.length ? `<ul class="soft">${item.notes.map((note) => `<li>${escape(note)}</li>`).join('')}</ul>` : ''}
${own.length > 0 ? besideTable(own) : ''}
</article>`;
}

/** The paper's statements about one item beside what was found; the reasons stand with the verdicts above. */
function besideTable(claims: readonly Judgement[]): string {
  const rows = claims.map((claim) => `<tr><td>${escape(claim.id)}</td><td>${escape(claim.quantity)}</td><td>${escape(claim.paper)}</td><td>${claim.value === null ? '–' : valueText(claim)}</td><td>${verdictText(claim)}</td></tr>`);
  return `<div class="scroll"><table class="beside"><thead><tr><th></th><th>Compared</th><th>The paper</th><th>Here</th><th></th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>`;
}

function picture({ item, title, svgOrPngPath, figure, tableHtml }: IndexItem, plotlyPath: string | undefined): string {
  if (!svgOrPngPath) return tableHtml ? '' : '<p class="soft">No picture: nothing on this machine could draw one; the data is linked above.</p>';
  const image = `<div class="picture"><img src="${dataUri(svgOrPngPath)}" alt="${escape(title)}"></div>`;
  if (!plotlyPath || !figure) return image;
  // "<" must not end the script element early, whatever a label of the figure holds.
  const json = JSON.stringify({ data: figure.data, layout: figure.layout }).replace(/</g, '\\u003c');
  return `${image}<button type="button" data-figure="${escape(item)}" hidden>interactive</button><script type="application/json" id="${escape(item)}-figure">${json}</script>`;
}

function dataUri(file: string): string {
  const types: Record<string, string> = { '.svg': 'image/svg+xml', '.png': 'image/png' };
  const type = types[path.extname(file)];
  if (!type) throw new Error(`picture ${file} is neither .svg nor .png; the index page inlines only these`);
  if (!fs.existsSync(file)) throw new Error(`picture ${file} does not exist; draw it first, or pass null for none`);
  return `data:${type};base64,${fs.readFileSync(file).toString('base64')}`;
}

function machineSection(machine: Record<string, string>, recordings: IndexContent['recordings']): string {
  const rows = (pairs: [string, string][]) => pairs.map(([name, value]) => `<tr><th>${escape(name)}</th><td>${escape(value)}</td></tr>`).join('');
  return `<section id="machine"><h2>Machine and data</h2>
<div class="scroll"><table class="facts"><tbody>${rows(Object.entries(machine))}</tbody></table></div>
<h3>Recordings</h3>
${recordings.length > 0 ? `<div class="scroll"><table class="facts"><tbody>${rows(recordings.map(({ name, description }) => [name, description]))}</tbody></table></div>` : '<p>None; every value is live.</p>'}
</section>`;
}

/** Plotly is fetched from beside the page when first asked for; without scripts the pictures stay. */
function interactiveScript(plotlyPath: string): string {
  return `<script>
let loading;
const plotly = () => loading ??= new Promise((resolve, reject) => {
  const script = document.createElement('script');
  script.src = ${JSON.stringify(plotlyPath).replace(/</g, '\\u003c')};
  script.onload = () => resolve(window.Plotly);
  script.onerror = () => reject(new Error('not found: ' + script.src));
  document.head.append(script);
});
for (const button of document.querySelectorAll('button[data-figure]')) {
  button.hidden = false;
  button.onclick = async () => {
    const place = button.previousElementSibling;
    const { data, layout } = JSON.parse(document.getElementById(button.dataset.figure + '-figure').textContent);
    try {
      const Plotly = await plotly();
      place.style.width = '100%';
      place.replaceChildren();
      await Plotly.newPlot(place, data, layout, { responsive: true });
      button.remove();
    } catch (error) { button.textContent = String(error.message); }
  };
}
</script>`;
}

function escape(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}
