// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 10 · What does a larger message cost?
//
// **Question.** How do instructions and CPU time of a request grow with the size of its response, in which component, and
// what does TLS add (paper: section B.2, Figure 18)?
//
// **The paper claims** that filters that read headers do not change with message size while TLS grows (C42), that the
// kernel's reads and writes grow and lose IPC beyond 16 kB (C43), that the sidecar's own reads and writes keep theirs
// (C44), and that protocol parsing does not change (C48).
//
// **Needs** Envoy and two cores for CPU time; Valgrind for instruction counts, and stepping (ptrace) for those of TLS; perf
// for stacks; hardware counters for the kernel's IPC. About 6 minutes in quick mode (three sizes), an hour in full mode
// (nine). What this machine cannot measure is drawn from the committed recording, and says so.

// %%
import { sizesPlan } from './lib/experiments/sizes.js';
import { measureHere, planMode, sessionStore } from './lib/experiments/session.js';
import { sizesOf } from './lib/report/items.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## Plan and measure
// The echo server answers `/N` with N bytes, 16 B to 1 MiB. Eight connections in a closed loop keep the worker busy. Two
// policies are measured with a new connection for every request as well: what a TLS handshake costs, apart from what
// its records cost.

// %%
const plan = sizesPlan(planMode());
console.log(await measureHere(plan));

// %% [markdown]
// ## Figure 18
// Both axes are logarithmic: a cost that grows with every byte ends in a slope of one, a fixed cost is flat. The table
// says what a further byte costs, and whether anything but the sidecar set the pace: client and backend share the other
// cores, and Envoy stops reading when its buffers are full. Their limit is 4 MiB a connection here: with Envoy's default of
// 1 MiB most responses of 1 MiB make it stop.

// %%
import { fig18 } from './lib/figures/fig18.js';
const { data, source } = await sizesOf(sessionStore());
console.log(source.why);
const figure18 = fig18(data);
await showItem(figure18);

// %% [markdown]
// ## Verdict
// Instructions of the kernel are counted by hardware only; where there are no counters, its growth is judged by CPU time,
// and its IPC not at all.

// %%
showVerdicts(figure18.judgements);

// %% [markdown]
// ## Try it
// Pick policies and a size, see where the cost goes. To measure one more size of a policy of your own, run
// `await measureHere(sizesPlan('quick', { policies: [mine], bytes: [16, 65536] }))`: it takes about half a minute.

// %%
const tried = ['tls', 'tls-http'];
await showItem(fig18(data, tried));

// %%
import { showTable } from './lib/report/show.js';
import { from } from 'arquero';
const paces = data.paces.filter(({ policy }) => tried.includes(policy));
showTable(from(paces).select('policy', 'bytes', 'perS', 'workerShare'));
