/** A progress bar with the time left, in a notebook cell or as lines in a terminal. */
import { currentKernel, type Kernel } from './kernel.js';

export interface Progress {
  /** Reports that `done` of the total are done; `note` says what is next or was just done. */
  update(done: number, note?: string): void;
  /** Ends it; `note` says how. What remains in the notebook holds no time, so that it is the same in every run. */
  end(note?: string): void;
}

/** Updates sent at most this often, so that a fast loop does not flood the notebook. */
const intervalMs = 200;
const barWidth = 30;

let displays = 0;

/**
 * Starts a progress bar.
 * @param total steps in all, e.g. runs; may be weights, e.g. expected seconds.
 * @param clock milliseconds, for tests.
 */
export function progress(title: string, total: number, clock: () => number = Date.now): Progress {
  const write = writer(title);
  const started = clock();
  let shown = -Infinity;
  return {
    update(done, note = '') {
      if (clock() - shown < intervalMs && done < total) return;
      shown = clock();
      const left = done > 0 ? ((shown - started) / done) * (total - done) : undefined;
      write(`${bar(done, total)} ${done} of ${total}${left === undefined ? '' : `, ${duration(left)} left`}${note ? `: ${note}` : ''}`);
    },
    end(note = 'done') {
      write(note);
    },
  };
}

function writer(title: string): (text: string) => void {
  const kernel = currentKernel();
  if (!kernel) return (text) => console.log(`${title}: ${text}`);
  return inCell(kernel, title);
}

function inCell(kernel: Kernel, title: string): (text: string) => void {
  const id = `progress-${process.pid}-${++displays}`;
  let update = false;
  return (text) => {
    kernel.display({ data: { 'text/plain': `${title}: ${text}` }, metadata: {}, transient: { display_id: id } }, update);
    update = true;
  };
}

function bar(done: number, total: number): string {
  const filled = total > 0 ? Math.round((Math.min(done, total) / total) * barWidth) : barWidth;
  return '█'.repeat(filled) + '░'.repeat(barWidth - filled);
}

/** e.g. `45 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
