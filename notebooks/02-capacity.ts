// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 02 · How much can one sidecar carry, and how late is it?
//
// **Question.** What does a policy do to the throughput and the tail latency of one sidecar (paper: section 3.2, Figure 6)?
//
// **The paper claims** that going from TCP to HTTP policies lowers the maximum throughput by 2.4x while latency varies
// little within one protocol (C04), and that a CPU five generations newer gives 3x the throughput (C05) and about 20 %
// less tail latency (C06).
//
// **Needs** Envoy and two cores; about 4 minutes in quick mode. Drawn from this machine's own runs where it has them,
// otherwise from the committed recording; every machine ever recorded stands beside.

// %%
import { capacityPlan } from './lib/experiments/capacity.js';
import { measureHere, planMode, sessionStore } from './lib/experiments/session.js';
import { fig06 } from './lib/figures/fig06.js';
import { capacityOf } from './lib/report/items.js';
import { showItem, showVerdicts } from './lib/report/show-item.js';

// %% [markdown]
// ## Plan and measure
// Six policies. For each one the knee is *searched*: the highest rate at which at least 99 % of the intended requests
// are answered and the backlog does not grow. Then five constant rates, as shares of that knee. Latency counts from the
// moment a request *should* have been sent, so a stalled sidecar is charged for everybody who had to wait.

// %%
const plan = capacityPlan(planMode());
console.log(await measureHere(plan));

// %% [markdown]
// ## What was measured
// One row a point. A point with a warning is kept, but drawn hollow.

// %%
import { showTable } from './lib/report/show.js';
const machines = capacityOf(sessionStore());
const here = machines[0];
console.log(`${here.cpuModel}, Envoy ${here.envoyVersion}, backend ${here.backend}`);
const latencies = ['p50Us', 'p90Us', 'p99Us'];
const shown = ['label', 'kneeShare', 'achievedPerS', ...latencies, 'cpuUsPerRequest', 'warning'];
showTable(here.points.select(...shown));

// %% [markdown]
// ## Figure 6
// On two cores the load generator and the backend share the core that is not the sidecar's. A TCP sidecar can be faster
// than the two of them together; then its capacity follows from its CPU time per request, and is labelled *modelled*.

// %%
const figure6 = fig06(machines);
await showItem(figure6);

// %% [markdown]
// ## Verdict

// %%
showVerdicts(figure6.judgements);

// %% [markdown]
// ## Try it
// Turn one knob: which policies to lay side by side. Any id of the catalogue that was measured works; so does a policy of
// your own (`compose` in notebook 03) once its plan was carried out.

// %%
import { onlyPolicies } from './lib/experiments/capacity-data.js';
const chosen = ['tcp', 'http'];
await showItem(fig06([onlyPolicies(here, chosen)]));
