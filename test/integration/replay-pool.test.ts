import { expect, it } from 'vitest';
import { cores } from '../../lib/simulate/core/cores.js';
import { outcomes } from '../../lib/simulate/core/kernels.js';
import { replay } from '../../lib/simulate/core/replay.js';
import { replayElsewhere } from '../../lib/simulate/core/replay-pool.js';
import { synthesise } from '../../lib/simulate/core/synthetic.js';

const rounds = (count: number) => synthesise(...Array.from({ length: count }, (_, i) => outcomes([true, i % 2 === 0, false, i % 3 === 0])));

it('other threads count what this one does, however many replays are under way', async () => {
  const inputs = [4, 6, 8].map(rounds);
  const asked = inputs.flatMap((input) => cores.flatMap((core) => [false, true].map((emptyAtCalls) => ({ input, core, options: { emptyAtCalls } }))));
  const answers = await Promise.all(asked.map(({ input, core, options }) => replayElsewhere(input, core, options)));
  expect(answers).toEqual(asked.map(({ input, core, options }) => replay(input, core, options)));
});

it('an error there is one here, and the next replay works', async () => {
  await expect(replayElsewhere(rounds(4), cores[0], { warmUp: 4 })).rejects.toThrow(/^4 requests in the trace, 4 of them to warm up/);
  expect((await replayElsewhere(rounds(4), cores[0])).requests).toHaveLength(2);
});
