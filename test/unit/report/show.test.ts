import { table } from 'arquero';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { DisplayContent } from '../../../lib/report/kernel.js';
import { duration, progress } from '../../../lib/report/progress.js';
import { showTable } from '../../../lib/report/show.js';

const kernelKey = Symbol.for('sidecar-workbench.kernel');
const globals = globalThis as Record<symbol, unknown>;
afterEach(() => {
  delete globals[kernelKey];
  vi.restoreAllMocks();
});

/** Stands in for the notebook kernel and keeps what it is given. */
function fakeKernel(): { content: DisplayContent; update: boolean }[] {
  const shown: { content: DisplayContent; update: boolean }[] = [];
  globals[kernelKey] = { display: (content: DisplayContent, update: boolean) => shown.push({ content, update }) };
  return shown;
}

describe('a table', () => {
  const small = table({ policy: ['tcp', 'a<b'], us: [1.23456, 20], note: [null, 'x'] });

  test('is HTML and text at once, unknown values a dash, numbers right-aligned to four digits', () => {
    const shown = fakeKernel();
    showTable(small);
    const { data } = shown[0].content;
    expect(data['text/plain']).toBe('policy     us  note\n------  -----  ----\ntcp     1.235  –\na<b        20  x');
    expect(data['text/html']).toContain('<td style="text-align:left">a&lt;b</td><td style="text-align:right">20</td>');
  });

  test('longer than the limit says how many rows are not shown', () => {
    const log = vi.spyOn(console, 'log').mockReturnValue();
    showTable(small, { limit: 1 });
    expect(log.mock.calls[0][0]).toMatch(/tcp .*\n1 more rows$/);
  });
});

describe('progress', () => {
  test('is one output of the cell, updated; what remains holds no time', () => {
    const shown = fakeKernel();
    let now = 0;
    const bar = progress('runs', 4, () => now);
    now = 1000;
    bar.update(1, 'tcp');
    now = 1010;
    bar.update(2);
    now = 3000;
    bar.update(3);
    bar.end('4 runs');
    expect(shown.map(({ content, update }) => [content.data['text/plain'], update])).toEqual([
      [`runs: ${'█'.repeat(8)}${'░'.repeat(22)} 1 of 4, 3 s left: tcp`, false],
      [`runs: ${'█'.repeat(23)}${'░'.repeat(7)} 3 of 4, 1 s left`, true],
      ['runs: 4 runs', true],
    ]);
    expect(new Set(shown.map(({ content }) => content.transient.display_id)).size).toBe(1);
  });

  test.each([[400, '0 s'], [59_400, '59 s'], [125_000, '2 min 5 s']])('%i ms is %s', (ms, text) => expect(duration(ms)).toBe(text));
});
