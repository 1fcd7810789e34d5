// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 03 · Where does a request spend its instructions and its time?
//
// **Question.** Which part of a sidecar costs what, under which policy, and do filters add up (paper: section 5.2, Table 2,
// Figure 7, Table 3)?
//
// **The paper claims** that HTTP policies spend half of their cycles on protocol parsing (C07), that OS write comes next
// and dominates TCP (C08), that filters are small (C09), that IPC is low (C10) and falls with complexity (C46) except
// for a very large filter (C11), that everything but the filter costs the same in every policy (C12), and that the cost
// of filters is additive (C13, C14, C47).
//
// **Needs** Envoy and two cores for CPU time; Valgrind for instruction counts, and stepping (ptrace) for those of TLS; perf
// for stacks; for SQL a Rust compiler at set-up, and MariaDB. About 8 minutes in quick mode, two more where the CPU shows
// its counters. What this machine cannot measure is drawn from the committed recording, and says so.

// %%
import { componentsPlan } from './lib/experiments/components.js';
import { measureHere, planMode, sessionStore } from './lib/experiments/session.js';
import { componentsOf } from './lib/report/items.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## Plan and measure
// Three kinds of runs for every policy: a fixed number of requests under a Valgrind tool that counts every user
// instruction by the path of *anchors* it ran under (with TLS: a few requests that the CPU itself executes step by step);
// undisturbed runs of a busy sidecar for CPU time; and runs under `perf record` whose call stacks say how that time
// divides, kernel included. Where the CPU has counters that can be read, a fourth kind counts cycles and instructions,
// user and kernel, under `perf stat`.

// %%
const plan = componentsPlan(planMode());
console.log(await measureHere(plan));

// %% [markdown]
// ## Table 2: what can be told apart
// Envoy is stripped. Its functions are named from what a stripped binary still holds: the file and function names in its
// log statements, C++ type information and the frame table. The anchors of each component are those functions.

// %%
import { loadBinary } from './lib/store/binaries.js';
import { tab02 } from './lib/figures/tab02.js';
const { data, source } = await componentsOf(sessionStore());
console.log(source.why);
const binary = loadBinary(source.recording, source.runs[0].spec.envoyBuildId);
await showItem(tab02(data, binary));

// %% [markdown]
// ## Figure 7
// First with the function map that the paper's authors used: everything that HTTP/1 `dispatch` calls is parsing, unless
// `decodeHeaders` or a filter is nested in it. The lowest panel is IPC: of user code by a model (exact instructions over
// user share x CPU time x clock); where hardware counters were read, what they counted stands beside it.

// %%
import { fig07 } from './lib/figures/fig07.js';
const figure7 = fig07(data, 'authors');
await showItem(figure7);

// %% [markdown]
// Then by Table 2's own words: whatever runs below the innermost anchor belongs to that anchor's component. Routing and
// encoding headers, which the authors' map counts as parsing, stand apart here.

// %%
await showItem(fig07(data, 'ours'));

// %% [markdown]
// ## Verdict on Figure 7

// %%
showVerdicts(figure7.judgements);

// %% [markdown]
// ## SQL: a policy before a database
// The paper's SQL policy decodes MySQL and says in the metadata which tables a query touches. Its clients ask a MariaDB
// of the workbench's own for one row by its primary key, again and again. Envoy's extension for it, `mysql_proxy`, only
// builds with the contrib extensions have; before a stock Envoy a dynamic module of the workbench does the same work. The
// label says which of the two was measured: their costs are their own. Below bare TCP (to the echo server), and where the
// instructions of a query go.

// %%
import { instructionsByRegion } from './lib/analysis/request-cost.js';
import { showTable } from './lib/report/show.js';
import { from } from 'arquero';
await showItem(fig07(data, 'ours', ['tcp', 'sql']));
const regions = [...instructionsByRegion(data, 'sql')].sort(([, a], [, b]) => b.value - a.value);
const counts = regions.map(([region, { value }]) => ({ region, instructions: Math.round(value) }));
showTable(from(counts));

// %% [markdown]
// ## As a pod of a cluster
// With `WORKBENCH_KUBECONFIG` set (see the README) each sidecar runs as a pod beside its echo server, measured by an agent on
// its node. Does it cost there what it costs as a process? When recorded, pods and processes took turns, round by round.

// %%
import { fig07Pods } from './lib/figures/fig07-pods.js';
import { podsBeside } from './lib/report/items.js';
const { processes, pods } = await podsBeside(sessionStore());
await showItem(fig07Pods(processes, pods));

// %% [markdown]
// ## Table 3: do filters add up?
// Twice: in user instructions, which repeat to a fraction of a per cent, and in CPU time, with its interval. The estimate
// of a composition is bare HTTP plus the *marginal* cost of each filter measured alone; nothing of the composition's own
// measurement enters it. (The paper's estimate does use the mix's own filter cycles.)

// %%
import { tab03 } from './lib/figures/tab03.js';
const table3 = tab03(data);
await showItem(table3);

// %% [markdown]
// ## Verdict on Table 3

// %%
showVerdicts(table3.judgements);

// %% [markdown]
// ## A teaching aside: the raw numbers at a glance

// %%
import { describe } from './lib/analysis/overview.js';
showTable(await describe(data.cpu.select('cpuUs', 'utilisation', 'perS')));

// %% [markdown]
// ## Try it
// Turn one knob: which filters to compose. The additive model says what the composition will cost before it was ever
// measured, and the figure shows its parts. To check the prediction, run
// `await measureHere(componentsPlan('quick', ['http', mine]))`: it takes about a minute.

// %%
import { policyById } from './lib/deploy/catalogue.js';
import { compose } from './lib/deploy/policy.js';
import { predictCost } from './lib/analysis/cost-model.js';
import { cpuUs, totalInstructions } from './lib/analysis/request-cost.js';
const tried = ['header-read', 'ip-tag-10'];
const mine = compose('mine', tried.join(' + '), tried.map(policyById));
const counted = tried.map((id) => totalInstructions(data, id));
const instructions = predictCost(totalInstructions(data, 'http'), counted);
const time = predictCost(cpuUs(data, 'http'), tried.map((id) => cpuUs(data, id)));

// %%
console.log(`${mine.label}: ${Math.round(instructions.value)} user instructions (modelled)`);
console.log(`and ${time.value.toFixed(1)} µs of CPU a request (modelled)`);

// %%
await showItem(fig07(data, 'ours', ['http', ...tried]));
