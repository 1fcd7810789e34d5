// ---
// jupyter:
//   kernelspec:
//     display_name: TypeScript (sidecar-workbench)
//     language: typescript
//     name: sidecar-workbench
// ---

// %% [markdown]
// # 00 · What is this machine, what can it measure, and what does a sidecar deployment look like on it?
//
// **Question.** On which machine are the numbers of the other notebooks made, which of the paper's figures can it measure,
// and what really happens between two services that have sidecars (paper: sections 1 to 3, Table 1, Figures 2 to 4)?
//
// **The paper says** that sidecars take both the outgoing and the incoming traffic of a service, so that one request
// between two services becomes three requests over the network (section 2.2). It measured on two machines (Table 1).
//
// **Needs** Envoy; about 20 seconds. What this clone has seen already is not looked at again, unless with `--fresh`. A session
// that does not measure (`WORKBENCH_MODE=recorded`), or a machine that cannot, shows what was seen when the committed
// recording was made, and says so.

// %%
import { deployHere, deploymentOf } from './lib/experiments/deployment.js';
import { sessionStore } from './lib/experiments/session.js';
import { machinesOf } from './lib/report/items.js';
import { capabilityTable, feasibilityTable } from './lib/report/machine-tables.js';
import { showItem } from './lib/report/show-item.js';
import { showTable } from './lib/report/show.js';

// %% [markdown]
// ## Bring it up, look at it, take it down
// Service A is this notebook. It calls its own sidecar, which calls the sidecar of service B, which calls service B, an
// echo server: two real Envoys, each with its one worker thread on the core that sidecars have, on ports of the kernel's
// choice. While the connections stand, processes and sockets are read from `/proc`, and each Envoy's counters before and
// after. Then 200 rounds of single requests: straight to B, through B's sidecar, through both. `deployHere({ fresh: true })`
// does it again.

// %%
console.log(await deployHere());
const seen = deploymentOf(sessionStore());
const where = seen.origin === 'live' ? 'live' : `recording ${seen.origin}`;
console.log(`Shown below: ${where}, ${seen.date}`);

// %% [markdown]
// ## Table 1: the machines
// The paper's two, then every machine that a recording was made on.

// %%
import { tab01 } from './lib/figures/tab01.js';
await showItem(tab01(machinesOf(sessionStore())));

// %% [markdown]
// ## The clock
// Table 1 gives a frequency; virtual machines seldom tell theirs, and the nominal one is not what a core runs at. A chain of
// additions, each of which needs the result of the one before, takes one cycle each: so many a second is the clock.

// %%
import { machineWarnings } from './lib/host/machine.js';
const { cpu, hz, interval } = seen.observation.coreClock;
const [clock, median, fastest] = [hz, ...interval].map((each) => (each / 1e9).toFixed(2));
console.log(`core ${cpu}, which sidecars have: ${clock} GHz`);
console.log(`median burst ${median} GHz, fastest ${fastest} GHz`);
console.log(machineWarnings(seen.machine).map((warning) => `note: ${warning}`).join('\n'));

// %% [markdown]
// ## What this machine can measure
// Everything was tried, not looked up: a collector is available when it collected something.

// %%
showTable(capabilityTable(seen.observation.capabilities));

// %% [markdown]
// Which figures that allows, and by which method. What is missing here is drawn from recordings made elsewhere.

// %%
showTable(feasibilityTable(seen.observation.capabilities));

// %% [markdown]
// ## Figure 2: the framework

// %%
import { fig02 } from './lib/figures/fig02.js';
await showItem(fig02(seen));

// %% [markdown]
// ## Figure 3: services with sidecars
// Every arrow is a connection that the kernel had; the numbers of requests are those that the sidecars counted.

// %%
import { fig03 } from './lib/figures/fig03.js';
await showItem(fig03(seen));

// %% [markdown]
// ## Figure 4: life of a request
// Three requests over the network for one call, and what the two sidecars add to its time. Times are medians with their
// 95 % bootstrap intervals; what a sidecar adds is the median of the differences round by round.

// %%
import { fig04 } from './lib/figures/fig04.js';
await showItem(fig04(seen));

// %% [markdown]
// ## Try it
// Turn one knob: the bytes of each answer. Every hop reads and writes them once more, so watch what each sidecar adds.
// `policy: 'http-mix-2'` beside it lets both sidecars do more; any HTTP policy of the catalogue without TLS works.

// %%
const knob = { payloadBytes: 1_000_000 };
console.log(await deployHere(knob));
await showItem(fig04(deploymentOf(sessionStore(), knob)));
