/** Style sheet of the index page: system fonts, light and dark, printable, nothing fetched. */
export const indexStyle = `
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6573; --line: #d8dde4; --page: #ffffff; --panel: #f6f7f9; --link: #1557a8;
  --reproduced: #1a6f3c; --differs: #a8322a; --inconclusive: #84600a; --unavailable: #5b6573; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #a3adba; --line: #39414d; --page: #14181e; --panel: #1c222a; --link: #8ab8f2;
  --reproduced: #6fcf97; --differs: #f0938c; --inconclusive: #e2bb5e; --unavailable: #a3adba; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main, header, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
footer { padding-bottom: 2.5rem; color: var(--soft); font-size: .875rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
h3 .item { color: var(--soft); font-weight: 400; margin-left: .5rem; }
a { color: var(--link); }
.soft, .source { color: var(--soft); font-size: .875rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: .75rem 0; list-style: none; }
.counts li { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; padding: .4rem .75rem; }
.counts b { font-size: 1.15rem; margin-right: .35rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; }
table.claims { min-width: 56rem; table-layout: fixed; }
table.claims th:nth-child(1) { width: 5.5rem; } table.claims th:nth-child(2) { width: 32%; } table.claims th:nth-child(3) { width: 22%; }
table.beside { width: auto; margin-top: .5rem; } table.beside td { padding-right: 1.5rem; }
table.facts { width: auto; }
table.facts th { padding-right: 1.5rem; }
.verdict { font-weight: 600; white-space: nowrap; }
.reproduced { color: var(--reproduced); } .differs { color: var(--differs); } .inconclusive { color: var(--inconclusive); } .unavailable { color: var(--unavailable); }
figure { margin: .5rem 0; }
figure img { display: block; max-width: 100%; height: auto; }
figure .picture { width: fit-content; max-width: 100%; background: #ffffff; border: 1px solid var(--line); border-radius: .4rem; padding: .5rem; overflow-x: auto; }
figcaption { margin-top: .4rem; }
details { margin: 1rem 0; }
summary { cursor: pointer; font-weight: 600; }
button { font: inherit; font-size: .875rem; color: var(--link); background: none; border: 1px solid var(--line); border-radius: .35rem; padding: .1rem .6rem; margin-top: .4rem; cursor: pointer; }
@media (max-width: 48rem) { table.claims { min-width: 0; } table.claims thead { display: none; } table.claims tr { display: block; padding: .6rem 0; border-bottom: 1px solid var(--line); }
  table.claims td { display: block; border: 0; padding: .1rem 0; } table.claims td:first-child br { display: none; } }
@media print { :root { color-scheme: light; } nav, button { display: none; } figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } a { color: inherit; text-decoration: none; }
  body { font-size: 11px; } table.claims { min-width: 0; } }
`;
