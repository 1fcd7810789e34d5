/** Replays on all cores of this machine at once: threads that keep the traces they were given. */
import * as os from 'node:os';
import { Worker } from 'node:worker_threads';
import { projectPath } from '../../host/paths.js';
import type { CoreParameters } from './parameters.js';
import type { CoreInput } from './program.js';
import type { ReplayOptions, ReplayResult } from './replay.js';

interface Answer {
  job: number;
  result?: ReplayResult;
  error?: string;
}

interface Waiting {
  resolve(result: ReplayResult): void;
  reject(error: Error): void;
}

/** A thread, the jobs it has been given, and the inputs it has. */
class Thread {
  private readonly worker = new Worker(projectPath('lib', 'simulate', 'core', 'replay-worker.cjs'), { execArgv: [] });
  private readonly waiting = new Map<number, Waiting>();
  private readonly keys = new Map<CoreInput, number>();
  private jobs = 0;

  constructor() {
    // A thread without work keeps no program from ending.
    this.worker.unref();
    this.worker.on('message', (answer: Answer) => this.answered(answer));
    this.worker.on('error', (error: Error) => this.failed(error));
  }

  get load(): number {
    return this.waiting.size;
  }

  replay(input: CoreInput, core: CoreParameters, options: ReplayOptions): Promise<ReplayResult> {
    const isNew = !this.keys.has(input);
    if (isNew) this.keys.set(input, this.keys.size);
    const job = this.jobs++;
    this.worker.ref();
    this.worker.postMessage({ job, key: this.keys.get(input), input: isNew ? input : null, core, options });
    return new Promise((resolve, reject) => this.waiting.set(job, { resolve, reject }));
  }

  private answered({ job, result, error }: Answer): void {
    const { resolve, reject } = this.waiting.get(job)!;
    this.waiting.delete(job);
    if (this.waiting.size === 0) this.worker.unref();
    if (result) resolve(result);
    else reject(new Error(error));
  }

  private failed(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

let threads: Thread[] | null = null;

/**
 * As `replay` of replay.ts, in another thread; one for each core of this machine, started when first needed.
 * @throws Error as that does.
 */
export function replayElsewhere(input: CoreInput, core: CoreParameters, options: ReplayOptions = {}): Promise<ReplayResult> {
  threads ??= Array.from({ length: os.availableParallelism() }, () => new Thread());
  return threads.reduce((least, thread) => (thread.load < least.load ? thread : least)).replay(input, core, options);
}
