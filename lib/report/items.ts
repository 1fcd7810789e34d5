/** Every figure and table of the paper that the workbench makes so far: from a store's runs to an `Item`. */
import { capacity, capacityPlan } from '../experiments/capacity.js';
import { capacityData, type CapacityData } from '../experiments/capacity-data.js';
import { components, componentsPlan } from '../experiments/components.js';
import { componentsData, type ComponentsData } from '../experiments/components-data.js';
import { deployment, deploymentOf } from '../experiments/deployment.js';
import { chooseSource, type Source } from '../experiments/session.js';
import { fig02 } from '../figures/fig02.js';
import { fig03 } from '../figures/fig03.js';
import { fig04 } from '../figures/fig04.js';
import { fig06 } from '../figures/fig06.js';
import { fig07 } from '../figures/fig07.js';
import type { Item } from '../figures/item.js';
import { tab01 } from '../figures/tab01.js';
import { tab02 } from '../figures/tab02.js';
import { tab03 } from '../figures/tab03.js';
import { loadBinary } from '../store/binaries.js';
import type { RunStore } from '../store/run-store.js';

/** Which notebook makes an item, and how it is drawn from recorded runs alone. */
export interface ItemSource {
  item: string;
  /** File name without ending. */
  notebook: string;
  build(store: RunStore): Item;
}

export const itemSources: readonly ItemSource[] = [
  { item: 'tab01', notebook: '00-this-machine', build: (store) => tab01(machinesOf(store)) },
  { item: 'fig02', notebook: '00-this-machine', build: (store) => fig02(deploymentOf(store)) },
  { item: 'fig03', notebook: '00-this-machine', build: (store) => fig03(deploymentOf(store)) },
  { item: 'fig04', notebook: '00-this-machine', build: (store) => fig04(deploymentOf(store)) },
  { item: 'fig06', notebook: '02-capacity', build: (store) => fig06(capacityOf(store)) },
  { item: 'tab02', notebook: '03-components', build: (store) => buildTable2(store) },
  { item: 'fig07', notebook: '03-components', build: (store) => fig07(componentsOf(store).data) },
  { item: 'fig07-ours', notebook: '03-components', build: (store) => fig07(componentsOf(store).data, 'ours') },
  { item: 'tab03', notebook: '03-components', build: (store) => tab03(componentsOf(store).data) },
];

/**
 * Builds items; one without data yet is left out and named.
 * @param only item ids, e.g. `fig07`; all when empty.
 */
export function buildItems(store: RunStore, only: readonly string[] = []): { items: Item[]; missing: { item: string; reason: string }[] } {
  const items: Item[] = [];
  const missing: { item: string; reason: string }[] = [];
  for (const { item, build } of wanted(only)) {
    try {
      items.push(build(store));
    } catch (error) {
      missing.push({ item, reason: (error as Error).message });
    }
  }
  return { items, missing };
}

/** @throws Error naming an item that does not exist. */
export function wanted(only: readonly string[]): ItemSource[] {
  const unknown = only.find((id) => !itemSources.some(({ item }) => matches(item, id)));
  if (unknown) throw new Error(`no figure or table "${unknown}"; there are ${itemSources.map(({ item }) => item).join(', ')}`);
  return itemSources.filter(({ item }) => only.length === 0 || only.some((id) => matches(item, id)));
}

/** `fig07` takes its variants along. */
function matches(item: string, id: string): boolean {
  return item === id || item.startsWith(`${id}-`);
}

/** Experiment `components` of the chosen source; used by notebook 03 too. */
export function componentsOf(store: RunStore): { data: ComponentsData; source: Source } {
  const source = chooseSource(store, componentsPlan('quick'));
  return { data: componentsData(source.recording, source.runs), source };
}

/** Experiment `capacity`, the chosen source first, then every other machine recorded. */
export function capacityOf(store: RunStore): CapacityData[] {
  const { recording, runs } = chooseSource(store, capacityPlan('quick'));
  const others = store.recordings().filter(({ name }) => name !== recording.name)
    .map((other) => ({ other, runs: store.runs(other, capacity) })).filter((each) => each.runs.length > 0);
  return [capacityData(recording, runs), ...others.map(({ other, runs: theirs }) => capacityData(other, theirs))];
}

function buildTable2(store: RunStore): Item {
  const { data, source } = componentsOf(store);
  const newest = source.runs.reduce((a, b) => (b.startedAt > a.startedAt ? b : a));
  return tab02(data, loadBinary(source.recording, newest.spec.envoyBuildId));
}

/** Every machine that a recording was made on, this session's first. */
export function machinesOf(store: RunStore) {
  return store.recordings().flatMap((recording) => {
    const [run] = [capacity, components, deployment].flatMap((experiment) => store.runs(recording, experiment).slice(0, 1));
    return run ? [{ origin: recording.origin, machine: run.provenance.machine }] : [];
  });
}
