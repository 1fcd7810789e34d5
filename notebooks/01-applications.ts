// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 01 · What do sidecars do to whole applications?
//
// **Question.** How much latency do sidecars add to an application, how much throughput do they take from it, and does the
// size of the cluster matter (paper: section 3.1, Figure 5)?
//
// **The paper claims** that sidecars add 5-25 ms to the p90 latency of every application (C01), the same on 1 to 5 nodes
// (C02), and take up to 45 % of the maximum throughput (C03).
//
// **Needs** root for network namespaces and iptables, Redis and memcached; about 8 minutes in quick mode, shared with
// notebook 07. Without them everything is drawn from the committed recording, and says so.

// %%
import { applicationsPlan } from './lib/experiments/applications.js';
import { planMode, sessionStore, visitHere } from './lib/experiments/session.js';
import { applicationsOf, topologyIn } from './lib/report/items.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## The applications
// BookInfo, Hotel Reservation and Online Boutique are data here: who calls whom, in which protocol, with how many bytes
// (`lib/apps/graphs/`). An emulator plays their services, real Redis and memcached their stores. Every pod is a network
// namespace with a real Envoy, to which iptables brings its traffic as in Istio; a node is a bridge.

// %%
import { graphById, graphs } from './lib/apps/graph-file.js';
import { traversalCount } from './lib/apps/traversals.js';
import { showTable } from './lib/report/show.js';
import { from } from 'arquero';
const all = graphs.map((id) => graphById(id));
const described = all.map((graph) => ({
  application: graph.label, services: graph.services.length, traversals: traversalCount(graph),
}));
showTable(from(described));

// %% [markdown]
// ## Plan and measure
// Each application without sidecars and with those of Istio's profiles `default` and `demo`, on one and on several nodes.
// The knee of each is searched; then one request at a time, full speed, half of the knee, and the knee.

// %%
const visits = applicationsPlan(planMode());
console.log(await visitHere(visits));

// %% [markdown]
// ## Figure 5
// Latency counts from the moment a request should have been sent. The paper loads applications to their maximum, where
// waiting dominates; half of the knee and one request at a time show what sidecars themselves add.

// %%
import { fig05 } from './lib/figures/fig05.js';
const { data, source } = applicationsOf(sessionStore());
console.log(source.why);
const figure5 = fig05(data);
await showItem(figure5);

// %% [markdown]
// ## As deployed
// The paper's Figures 3 and 4 for BookInfo: each call of one page, and what the sidecars it crosses spend on it.

// %%
await showItem(topologyIn(data, 'bookinfo'));

// %% [markdown]
// ## Verdict

// %%
showVerdicts(figure5.judgements);

// %% [markdown]
// ## Try it
// Another application or profile, drawn from the same runs. To deploy a graph of your own, read it with
// `readGraph('mine.json')`, plan it with `applicationsPlan('quick', { applications: [{ graph }] })` and carry that out.

// %%
const tried = { application: 'online-boutique', profile: 'demo' };
await showItem(topologyIn(data, tried.application, tried.profile));
