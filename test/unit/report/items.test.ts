import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { buildItems, itemSources, machinesOf, wanted } from '../../../lib/report/items.js';
import { assembleClaims } from '../../../lib/report/verdicts.js';
import { RunStore, type Run } from '../../../lib/store/run-store.js';
import { copyOfRoot, recording, rewriteRuns, store } from '../experiments/recording.js';

describe('choice of items', () => {
  it('is all of them when nothing is asked for, each id once', () => {
    const ids = wanted([]).map(({ item }) => item);
    expect(ids).toEqual(itemSources.map(({ item }) => item));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('takes the variants of a figure along, but no other figure', () => {
    expect(wanted(['fig07']).map(({ item }) => item)).toEqual(['fig07', 'fig07-ours', 'fig07-pods']);
    expect(wanted(['fig07-ours', 'tab03']).map(({ item }) => item)).toEqual(['fig07-ours', 'tab03']);
    expect(() => wanted(['fig0'])).toThrow();
  });

  it('names an item that does not exist, and those there are', () => {
    expect(() => wanted(['fig06', 'fig99'])).toThrow(/^no figure or table "fig99"; there are .*fig06.*tab03/);
  });
});

describe('items from a captured recording', () => {
  let copy: ReturnType<typeof copyOfRoot> | null = null;
  afterEach(() => { copy?.remove(); copy = null; });
  const asked = ['tab01', 'fig06', 'tab02', 'fig07', 'tab03'];

  it('are drawn from noisy runs too, where verdicts then find nothing to judge', async () => {
    const { items, missing } = await buildItems(store, asked);
    expect(missing.map(({ item }) => item)).toEqual(['fig07-pods']); // nobody measured pods
    expect(items.map(({ item }) => item)).toEqual(wanted(asked).map(({ item }) => item).filter((item) => item !== 'fig07-pods'));
    expect(items.flatMap(({ judgements }) => judgements).filter(({ id }) => id === 'C04').map(({ verdict }) => verdict)).toEqual(['unavailable', 'unavailable']);
  });

  it('come with verdicts that make one whole claims.json', async () => {
    copy = copyOfRoot();
    rewriteRuns(copy.root, (record) => { record.warnings = []; });
    const { items } = await buildItems(new RunStore(null, copy.root), asked);
    const claims = assembleClaims(items.flatMap(({ judgements }) => judgements));
    expect(claims.find(({ id }) => id === 'C07')).toMatchObject({ origin: recording.name, method: 'modelled', unit: '%', value: expect.any(Number) });
    expect(claims.find(({ id, reading }) => id === 'C04' && reading === 'throughput')).toMatchObject({ method: 'measured: throughput', value: expect.any(Number) });
  });

  it('stand the machines of several recordings side by side, the source of this session first', async () => {
    copy = copyOfRoot();
    fs.cpSync(path.join(copy.root, recording.name), path.join(copy.root, 'other-2020-01-01'), { recursive: true });
    rewriteRuns(path.join(copy.root, 'other-2020-01-01'), (record) => { (record.provenance as { machine: { cpuModel: string } }).machine.cpuModel = 'Other CPU'; });
    const two = new RunStore(null, copy.root);
    expect(machinesOf(two).map(({ origin }) => origin)).toEqual([recording.name, 'other-2020-01-01']);
    const [fig06] = (await buildItems(two, ['fig06'])).items;
    expect(fig06.figure!.layout.annotations!.map(({ text }) => text)).toEqual([`AMD EPYC<br>(${recording.name})`, 'Other CPU<br>(other-2020-01-01)']);
  });

  it('read each experiment once a build, and anew in the next', async () => {
    const seen: string[] = [];
    class Watched extends RunStore {
      override runs(...[from, experiment]: Parameters<RunStore['runs']>): Run[] {
        seen.push(experiment);
        return super.runs(from, experiment);
      }
    }
    const watched = new Watched(null, store.root);
    await buildItems(watched, ['tab02', 'fig07-ours', 'tab03']);
    expect(seen).toEqual(['components']);
    await buildItems(watched, ['tab02']);
    expect(seen).toEqual(['components', 'components']);
  });

  it('are missing with the reason, one by one, where there is no data', async () => {
    const { items, missing } = await buildItems(new RunStore(null, '/nonexistent'), asked);
    expect(items.map(({ item }) => item)).toEqual(['tab01']);
    expect(missing.find(({ item }) => item === 'fig07')!.reason).toMatch(/^no runs of "components": measure them first/);
  });
});
