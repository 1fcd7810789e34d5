// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 09 · What did five generations of processors change?
//
// **Question.** Does a newer core fetch a sidecar's instructions better, and what is its larger second-level cache worth
// (paper: appendix B.1, Figures 15 to 17)?
//
// **The paper claims** that the older processor, a Haswell, has fewer misses of the L1 instruction cache than the newer
// one, an Ice Lake, up to 40 % (C38); that it stalls more on instruction fetch all the same, 17 to 21 % of the cycles
// (C39); that both split their slots alike (C40); and that a second level of 1.25 MB instead of 256 kB changes frontend
// stalls little, by 10 % (C41; its own figures say 29 to 57 %).
//
// **Needs** nothing: simulated cores replay the recorded instruction traces, in about a minute. Machines whose recordings
// hold hardware counters are drawn beside them. To add one: `npm run reproduce` there, then `npm run pack`.

// %%
import { frontendPlan } from './lib/experiments/frontend.js';
import { measureHere, planMode, sessionStore } from './lib/experiments/session.js';
import { frontendOf } from './lib/report/items.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## Plan and measure

// %%
console.log(await measureHere(frontendPlan(planMode())));

// %% [markdown]
// ## Figure 15
// The same traces on both cores, so that nothing differs but the cores. What Intel does not publish, predictors and
// prefetchers above all, is the same in both: a difference that comes from there cannot show.

// %%
import { fig15 } from './lib/figures/fig15.js';
import { coreById } from './lib/simulate/core/cores.js';
const { frontend, source } = await frontendOf(sessionStore());
console.log(source.why);
const [haswell, iceLake] = ['haswell', 'ice-lake'].map(coreById);
const both = await frontend.on([haswell, iceLake]);
const figure15 = fig15(both);
await showItem(figure15);

// %%
showVerdicts(figure15.judgements);

// %% [markdown]
// ## Figure 16
// Between the two stands a Haswell that has nothing of the newer core but its second-level cache, with the policies of
// Figure 6.

// %%
import { fig16 } from './lib/figures/fig16.js';
import { generationsOf } from './lib/report/items.js';
const figure16 = fig16(await generationsOf(frontend));
await showItem(figure16);

// %%
showVerdicts(figure16.judgements);

// %% [markdown]
// ## Figure 17

// %%
import { fig17 } from './lib/figures/fig17.js';
const figure17 = fig17(both);
await showItem(figure17);

// %%
showVerdicts(figure17.judgements);

// %% [markdown]
// ## Try it
// A generation in between, or one of your own: a core is one file of numbers in `lib/simulate/core/`.

// %%
const cascadeLake = coreById('cascade-lake');
await showItem(fig16(await frontend.on([haswell, cascadeLake, iceLake], ['tcp', 'http'])));
