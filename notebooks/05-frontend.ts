// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 05 · What does the frontend wait for?
//
// **Question.** How often does a sidecar miss the instruction cache and the branch predictors, what does that cost, and
// what would help (paper: section 5.3, Figures 9 and 10, Table 4)?
//
// **The paper claims** 45 to 75 misses of the L1 instruction cache per thousand instructions (C16), of which a quarter
// belongs to instructions that retire (C17); fewer than 5 mispredicted branches per thousand (C18); 9 to 12 % of the
// cycles stalled on instruction fetch (C19); and, of the branches of a request, how many of which kind are executed and
// missed (C20 to C22).
//
// **Needs** hardware counters, or nothing: where the CPU shows none, a simulated Ice Lake replays recorded instruction
// traces, in about a minute. Both are labelled. Data: `traces/` and, from machines that have counters, `frontend/`.

// %%
import { frontendPlan } from './lib/experiments/frontend.js';
import { measureHere, planMode, sessionStore } from './lib/experiments/session.js';
import { tracesPlan } from './lib/experiments/traces.js';
import { frontendOf } from './lib/report/items.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## Plan and measure

// %%
console.log(await measureHere(frontendPlan(planMode())));

// %%
console.log(await measureHere(tracesPlan(planMode())));

// %% [markdown]
// A trace of many more requests shows from which one on the rates stay the same.

// %%
import { longTraceOf, longTracePlan } from './lib/experiments/long-trace.js';
console.log(await measureHere(longTracePlan()));

// %% [markdown]
// ## Figure 9
// The simulated core fetches wrong paths too, for as long as a misprediction lasts. Every request of a trace differs, so
// that predictors cannot learn it by heart; the first eight requests only warm the core up.

// %%
import { fig09 } from './lib/figures/fig09.js';
import { coreById } from './lib/simulate/core/cores.js';
const { frontend, data, source } = await frontendOf(sessionStore());
console.log(source.why);
const iceLake = coreById('ice-lake');
const onIceLake = await frontend.on([iceLake]);
const figure9 = fig09(onIceLake);
await showItem(figure9);

// %%
showVerdicts(figure9.judgements);

// %% [markdown]
// ## Can the simulated core be trusted?
// Its caches against those of notebook 06 and against callgrind, its rates from the first requests to the last. Which of
// its numbers are Intel's, which are measured by others and which nobody publishes, stands beside each in
// `lib/simulate/core/`.

// %%
import { frontendChecks } from './lib/experiments/frontend-checks.js';
import { fig09Validation } from './lib/figures/fig09-validation.js';
const long = await longTraceOf(sessionStore());
await showItem(fig09Validation(await frontendChecks(frontend, data, iceLake, long)));

// %% [markdown]
// ## Figure 10

// %%
import { fig10 } from './lib/figures/fig10.js';
const figure10 = fig10(onIceLake);
await showItem(figure10);

// %%
showVerdicts(figure10.judgements);

// %% [markdown]
// ## Table 4
// Executed branches are counted in the trace; in brackets those that the simulated predictors get wrong. Intel publishes
// neither the kind nor the size of its predictors: these are a TAGE and an ITTAGE, with a history as long as is known.

// %%
import { tab04 } from './lib/figures/tab04.js';
const table4 = tab04(data, onIceLake);
await showItem(table4);

// %%
showVerdicts(table4.judgements);

// %% [markdown]
// ## What would help?
// One thing changed in the core, everything else as it is. The order is what to look at.

// %%
import { frontendSweep } from './lib/experiments/frontend-sweep.js';
import { fig10Sweep } from './lib/figures/fig10-sweep.js';
const http = await frontendSweep(frontend, 'http', iceLake);
const tcp = await frontendSweep(frontend, 'tcp', iceLake);
await showItem(fig10Sweep([http, tcp]));

// %% [markdown]
// ## Try it
// Pick a core, change one structure, see the bars move.

// %%
const cascadeLake = coreById('cascade-lake');
const larger = { ...cascadeLake, name: 'L1-I of 64 kB', l1i: { sets: 64, ways: 16 } };
await showItem(fig09(await frontend.on([cascadeLake, larger], ['tcp', 'http'])));

// %%
await showItem(fig10Sweep([await frontendSweep(frontend, 'http-mix-2', coreById('haswell'))]));
