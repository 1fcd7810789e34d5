// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 06 · What does a request execute, and would huge pages help?
//
// **Question.** Which code does one request through a sidecar run, how does the instruction TLB cope with it, and what
// would a few 2 MB pages change (paper: section 5.4, Figure 11)?
//
// **The paper claims** that a request touches 200 to 300 kB of code on about 350 pages (C23), 40 to 50 kB of it for HTTP
// parsing (C24); that it misses the instruction TLB more than a thousand times (C25), although accesses concentrate on
// few pages (C26), which are evicted again and again (C27); and that huge pages remove 80 % of that (C28), five or six of
// them suffice (C29), at 8.5 to 11 MB (C30).
//
// **Needs** Valgrind for most traces and ptrace for the native ones; two cores and transparent huge pages for the
// experiment on the live sidecar. About 5 minutes in quick mode. The paper used Intel PIN and published neither tool nor
// trace; here the traces themselves are in the recording, with the code they ran.

// %%
import { hugePagesOf, tryHugePages } from './lib/experiments/huge-pages.js';
import { measureHere, planMode, sessionStore } from './lib/experiments/session.js';
import { tracesPlan } from './lib/experiments/traces.js';
import { tracesOf } from './lib/report/items.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## Plan and measure
// Two recorders. A Valgrind tool logs every straight run of code that the worker executes, and its system calls; it
// hides the newest features of the CPU. Single-stepping by ptrace sees the CPU as it is, some thousand times slower. The
// requests of a trace all differ and take turns over eight connections.

// %%
console.log(await measureHere(tracesPlan(planMode())));

// %% [markdown]
// Then the experiment that the paper only simulated: the code of the running, unmodified Envoy is moved to 2 MB pages.
// A copy on 4 kB pages is the control for being moved at all.

// %%
console.log(await tryHugePages());

// %% [markdown]
// ## Do the recorders agree?
// The same requests under each. With the CPU features masked that Valgrind hides, both must execute the same; unmasked,
// libc and BoringSSL choose other routines.

// %%
import { fig11aRecorders } from './lib/figures/fig11a-recorders.js';
const { data, source } = await tracesOf(sessionStore());
console.log(source.why);
await showItem(fig11aRecorders(data));

// %% [markdown]
// ## Figure 11a: the code of a request

// %%
import { fig11a } from './lib/figures/fig11a.js';
const figure11a = fig11a(data);
await showItem(figure11a);

// %%
showVerdicts(figure11a.judgements);

// %% [markdown]
// ## Figure 11b: misses of the instruction TLB
// What the paper simulated: the 64 entries that CPUID reports for one of two hardware threads. The table has the whole
// core's 128 as well, and the page walks that a second level leaves.

// %%
import { fig11b } from './lib/figures/fig11b.js';
const figure11b = fig11b(data);
await showItem(figure11b);

// %%
showVerdicts(figure11b.judgements);

// %% [markdown]
// ## Figure 11c: the best huge pages

// %%
import { fig11c } from './lib/figures/fig11c.js';
const figure11c = fig11c(data);
await showItem(figure11c);

// %%
showVerdicts(figure11c.judgements);

// %% [markdown]
// ### Tried for real

// %%
import { fig11cLive } from './lib/figures/fig11c-live.js';
await showItem(fig11cLive(hugePagesOf(sessionStore())));

// %% [markdown]
// ## Try it
// Turn the knobs: another instruction TLB, another policy. The figure follows within seconds.

// %%
import { instructionTlbs } from './lib/simulate/geometry.js';
const tried = instructionTlbs['whole core, 128 + 16'];
await showItem(fig11c(data, { geometry: tried, policy: 'tcp' }));

// %%
await showItem(fig11a(data, 'http-mix-2'));
