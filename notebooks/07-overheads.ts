// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 07 · What do the mesh's profiles cost an application?
//
// **Question.** How many instructions and cycles does a request take over all services and sidecars, under Istio's profiles
// `default` and `demo`, and does that change with the size of the cluster (paper: appendix A.1, Figure 12)?
//
// **The paper claims** that `default` adds 13-76 % instructions and 21-91 % cycles (C31), `demo` 23-162 % and 28-128 %
// (C32), and that neither changes with the size of the cluster (C33).
//
// **Needs** what notebook 01 needs, and Valgrind for instructions; about 4 minutes in quick mode after notebook 01. What
// this machine cannot measure is drawn from the committed recording, and says so.

// %%
import { applicationsPlan } from './lib/experiments/applications.js';
import { invocationsPlan } from './lib/experiments/invocations.js';
import { planMode, sessionStore, visitHere } from './lib/experiments/session.js';
import { applicationsOf, invocationsOf, knownGraphs } from './lib/report/items.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## Plan and measure
// CPU time of every process comes from the runs of notebook 01. User instructions of all sidecars of an application are
// counted at once, each under Valgrind, for one request at a time.

// %%
console.log(await visitHere(applicationsPlan(planMode())));
console.log(await visitHere(invocationsPlan(planMode())));

// %% [markdown]
// ## Figure 12
// Cycles are modelled: CPU time times the core clock, which is measured before and after every run. Services compute
// nothing here, so that percentages of their cost are larger than those of real services; what sidecars add is theirs.

// %%
import { fig12 } from './lib/figures/fig12.js';
const { data, source } = applicationsOf(sessionStore());
console.log(source.why);
const counted = invocationsOf(sessionStore());
const figure12 = fig12(data, counted);
await showItem(figure12);

// %% [markdown]
// ## How far repeats are apart
// On a virtual machine CPU time for the same work drifts, by tens of per cent within seconds. Services and sidecars become
// dearer together, so that the services' CPU time in the same window steadies that of the sidecars
// (`lib/analysis/steadied.ts`). Repeats should lie within 5 % of their median.

// %%
import { fig12Repeats } from './lib/figures/fig12-repeats.js';
await showItem(fig12Repeats(data));

// %% [markdown]
// ## Where it goes
// Online Boutique under `demo`, as it was deployed: each call of one page, with what the sidecars it crosses spend on it.

// %%
import { topologyIn } from './lib/report/items.js';
await showItem(topologyIn(data, 'online-boutique', 'demo'));

// %% [markdown]
// ## What `demo` adds
// Each sidecar's user instructions by component. `demo` differs from `default` in two settings only: an access log, and a
// trace of every request rather than of one in a hundred.

// %%
import { showTable } from './lib/report/show.js';
import { from, op, type ColumnTable } from 'arquero';
const byComponent = (table: ColumnTable) => table.groupby('application', 'profile', 'component')
  .rollup({ perRequest: op.sum('perRequest') }).orderby('application', 'component', 'profile');
if (counted) showTable(byComponent(counted.instructions).filter('d => d.perRequest > 1000'));

// %% [markdown]
// ## What these sidecars are not
// The sidecar is rendered as Istio's control plane would configure it, for an Envoy without Istio's own extensions. Each
// difference from what a real control plane sent to a real sidecar, and why:

// %%
import { compareWithDump } from './lib/deploy/mesh/dump-comparison.js';
const differences = from(compareWithDump());
showTable(differences.groupby('reason').rollup({ places: op.count(), one: op.any('path') }));

// %% [markdown]
// ## Verdict

// %%
showVerdicts(figure12.judgements);

// %% [markdown]
// ## Try it
// A sidecar more, or a hop: every further call through a mesh crosses two sidecars. What would that add to each page, by what
// the sidecars of this application spend on a traversal?

// %%
import { addedHops } from './lib/figures/added-hops.js';
const hops = 3;
showTable(from(addedHops(data, knownGraphs(), hops)));
