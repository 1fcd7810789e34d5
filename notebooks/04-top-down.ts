// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 04 · Which part of the processor holds a sidecar up?
//
// **Question.** Of the slots in which a core could do something, how many do useful work, and which part of the pipeline
// loses the others (paper: section 5.3, Figure 8)?
//
// **The paper claims** that the frontend takes more than half of the slots whatever the filter and the load, and that the
// backend is next for filters that go through much data (C15).
//
// **Needs** hardware counters for the split as the paper has it: about 3 minutes in quick mode where the CPU shows them.
// Most virtual machines do not. There a simulated core replays recorded instruction traces: half a minute, and needs
// nothing. The traces are those of notebook 06.

// %%
import { frontendPlan } from './lib/experiments/frontend.js';
import { measureHere, planMode, sessionStore } from './lib/experiments/session.js';
import { tracesPlan } from './lib/experiments/traces.js';
import { frontendOf } from './lib/report/items.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## Plan and measure
// The counters at three loads, and the traces that simulated cores replay.

// %%
console.log(await measureHere(frontendPlan(planMode())));

// %%
console.log(await measureHere(tracesPlan(planMode())));

// %% [markdown]
// ## Figure 8
// A trace says which instructions were executed, not which data they waited for. So the simulated core has no backend: its
// three shares are the largest that the frontend, wrong paths and useful work can have. A frontend whose upper bound
// stays below one half would contradict the paper; one above it leaves the question open.

// %%
import { fig08 } from './lib/figures/fig08.js';
import { coreById } from './lib/simulate/core/cores.js';
const { frontend, source } = await frontendOf(sessionStore());
console.log(source.why);
const iceLake = coreById('ice-lake');
const figure8 = fig08(await frontend.on([iceLake]));
await showItem(figure8);

// %% [markdown]
// ## Verdict

// %%
showVerdicts(figure8.judgements);

// %% [markdown]
// ## Try it
// A core is data. Change one number of it, and see the slots move: here twice the instruction cache, and a core that
// finds out about mispredicted branches in half the time.

// %%
const twiceCache = { ...iceLake, name: 'L1-I of 64 kB', l1i: { sets: 64, ways: 16 } };
const resteer = { mispredictionCycles: 10, refillCycles: 5 };
const early = { ...iceLake, name: 'half the misprediction penalty', ...resteer };
const tried = ['tcp', 'rbac-reject-1000', 'http', 'http-mix-2'];
await showItem(fig08(await frontend.on([iceLake, twiceCache, early], tried)));
