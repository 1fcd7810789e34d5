// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 08 · What does one invocation of a sidecar cost?
//
// **Question.** How long is a request inside one sidecar, how much of that in the kernel, and does a sidecar cost the same
// whichever service it stands before (paper: appendix A.2, Figures 13 and 14)?
//
// **The paper claims** that system calls are 20 % of a sidecar's latency and user time does not vary across services (C34),
// that a request spends 200-250 (printed as ms) in a sidecar, in ProductPage's more (C35), that an invocation costs about
// the same everywhere (C36), how often a page of BookInfo invokes sidecars (C37), and that the application does not
// matter (C45).
//
// **Needs** what notebook 01 needs, strace, and Valgrind for instructions; about 2 minutes in quick mode after notebooks 01
// and 07. What this machine cannot measure is drawn from the committed recording, and says so.

// %%
import { applicationsPlan } from './lib/experiments/applications.js';
import { invocationsPlan } from './lib/experiments/invocations.js';
import { sidecarLatencyPlan } from './lib/experiments/sidecar-latency.js';
import { planMode, sessionStore, visitHere } from './lib/experiments/session.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## Plan and measure
// For Figure 13 each sidecar of BookInfo is traced in turn, one request at a time: untraced, with strace as in the paper,
// and with the kernel's tracepoints where it has them. What a tracer adds is worked out from the recording itself.

// %%
console.log(await visitHere(sidecarLatencyPlan(planMode())));
console.log(await visitHere(applicationsPlan(planMode())));
console.log(await visitHere(invocationsPlan(planMode())));

// %% [markdown]
// ## Figure 13
// A request enters through the service's own sidecar (`request_ingress`), its answer leaves there (`request_egress`); what
// the service asks of others goes out and comes back through the same sidecar (`fanout_egress`, `fanout_ingress`).

// %%
import { fig13 } from './lib/figures/fig13.js';
import { sidecarLatencyOf } from './lib/report/items.js';
const traced = sidecarLatencyOf(sessionStore());
console.log(traced.source.why);
const figure13 = fig13(traced.data);
await showItem(figure13);

// %% [markdown]
// ## Figure 14
// The paper counts each direction of a call through a sidecar as an invocation; two of them are a traversal. Both are in
// the table.

// %%
import { fig14 } from './lib/figures/fig14.js';
import { applicationsOf, invocationsOf, knownGraphs } from './lib/report/items.js';
const { data, source } = applicationsOf(sessionStore());
console.log(source.why);
const counted = invocationsOf(sessionStore());
const figure14 = fig14(data, counted, knownGraphs());
await showItem(figure14);

// %% [markdown]
// ## On a cluster
// The same sidecars on Kubernetes, configured by Istio's control plane (`WORKBENCH_KUBECONFIG`, see the README): does one
// machine predict what a cluster costs? Sidecars by services in the same window are free of how fast the machine was.

// %%
import { engines } from './lib/figures/engines.js';
import { clusterBeside } from './lib/report/items.js';
const { namespaces, cluster } = clusterBeside(sessionStore());
await showItem(engines(namespaces, cluster, knownGraphs()));

// %% [markdown]
// How long a request is inside each of BookInfo's sidecars there, traced on its node as above:

// %%
const tracedThere = sidecarLatencyOf(sessionStore(), 'kubernetes');
console.log(tracedThere.source.why);
await showItem(fig13(tracedThere.data));

// %% [markdown]
// ## Verdict

// %%
showVerdicts([...figure13.judgements, ...figure14.judgements]);

// %% [markdown]
// ## Try it
// A hop more: what would it add? Any application's hops, by what its sidecars spend on them.

// %%
import { topologyIn } from './lib/report/items.js';
const tried = 'hotel-reservation';
await showItem(topologyIn(data, tried));
