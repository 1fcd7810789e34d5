import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Peer, type Methods } from '../../../../../lib/deploy/kubernetes/agent/peer.js';

/** Two peers whose text arrives in pieces of the given lengths. */
function connected(ofA: Methods, ofB: Methods, lengths: readonly number[] = [1000]): [Peer, Peer] {
  let next = 0;
  const pieces = (take: (text: string) => void) => (text: string) => {
    while (text !== '') {
      const length = lengths[next++ % lengths.length];
      const piece = text.slice(0, length);
      text = text.slice(length);
      queueMicrotask(() => take(piece));
    }
  };
  const a: Peer = new Peer(pieces((text) => b.receive(text)), ofA);
  const b: Peer = new Peer(pieces((text) => a.receive(text)), ofB);
  return [a, b];
}

describe('a peer', () => {
  it('answers calls, however their text is cut', () => fc.assert(fc.asyncProperty(
    fc.array(fc.string(), { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }),
    async (texts, lengths) => {
      const [a] = connected({}, { twice: (text: string) => text + text }, lengths);
      expect(await Promise.all(texts.map((text) => a.call('twice', text)))).toEqual(texts.map((text) => text + text));
    },
  )));

  it('calls back while it is being called', async () => {
    const seen: string[] = [];
    const [a, b] = connected({ body: () => { seen.push('body'); } }, { record: async () => {
      seen.push('on');
      await b.call('body');
      seen.push('off');
    } });
    await a.call('record');
    expect(seen).toEqual(['on', 'body', 'off']);
  });

  it('hands on what went wrong on the other side', async () => {
    const [a] = connected({}, { fail: () => { throw new Error('thread 7 is gone'); } });
    await expect(a.call('fail')).rejects.toThrow('thread 7 is gone');
    await expect(a.call('nothing')).rejects.toThrow('the other side has no method nothing');
  });

  it('tells everyone who waits, and who comes later, that the connection ended', async () => {
    const [a] = connected({}, { never: () => new Promise(() => undefined) });
    const waiting = a.call('never');
    a.end(new Error('the agent ended'));
    await expect(waiting).rejects.toThrow('the agent ended');
    await expect(a.call('never')).rejects.toThrow('the agent ended');
  });
});
