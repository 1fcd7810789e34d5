/**
 * What the front end of a core makes of each policy's requests: simulated cores replay the traces of experiment
 * `traces`; in experiment `frontend` hardware counted the worker. The two are never mixed: each point says which it is.
 */
import { quantityNames, quantityOf, type FrontendQuantity } from '../analysis/simulated-frontend.js';
import type { CoreParameters } from '../simulate/core/parameters.js';
import { prepare, type CoreInput } from '../simulate/core/program.js';
import type { ReplayOptions, ReplayResult } from '../simulate/core/replay.js';
import { replayElsewhere } from '../simulate/core/replay-pool.js';
import { canonicalJson } from '../store/run-key.js';
import type { Recording, Run } from '../store/run-store.js';
import type { Method } from '../store/value.js';
import type { PolicyInfo } from './components-data.js';
import type { LoadLevel } from './frontend.js';
import { openRecordedTrace } from './recorded-trace.js';
import type { TracedPolicy, TracesData } from './traces-data.js';

/** A simulated core, or that of a measured machine. */
export interface FrontendCore {
  /** Of the simulated core, or the name of the recording. */
  id: string;
  /** Name of the simulated core, or the CPU's model. */
  label: string;
  /** Core of a measured machine by name; null where it is not known to us, and for simulated ones. */
  microarchitecture: string | null;
}

/** One policy on one core, at one load. */
export interface FrontendPoint {
  policy: PolicyInfo;
  core: FrontendCore;
  /** Of a measured point. null for simulated ones: a trace of single requests knows no load. */
  load: LoadLevel | null;
  method: Extract<Method, 'simulated' | 'measured: hardware counters'>;
  origin: string;
  envoyVersion: string;
  runs: string[];
  /**
   * Simulated: with the core's state kept at system calls, then with it emptied, which bound what the kernel leaves of
   * it. Measured: one for each repeat. Quantities that could not be had are left out.
   */
  samples: Partial<Record<FrontendQuantity, readonly number[]>>;
  /** Of a measured point: what else a reader of its values should know. */
  notes?: readonly string[];
}

export interface FrontendData {
  points: FrontendPoint[];
  notes: string[];
}

const simulatedNote = 'Simulated on instruction traces of user code: neither what the kernel executes nor any wait for data is in them. '
  + 'Two bounds: over a system call the core keeps all that its caches, TLBs and predictors hold, or loses it.';

/** The traces of a recording, each read when it is first replayed, and replayed once for each core. */
export class FrontendTraces {
  private readonly inputs = new Map<string, Promise<CoreInput>>();
  private readonly results = new Map<string, Promise<ReplayResult>>();

  /**
   * @param runs those of the traces are among them.
   * @param measured points of machines with hardware counters.
   */
  constructor(
    private readonly recording: Pick<Recording, 'dir'>,
    private readonly runs: readonly Run[],
    private readonly traces: Pick<TracesData, 'origin' | 'envoyVersion' | 'shown' | 'notes'>,
    private readonly measured: readonly FrontendPoint[] = [],
  ) {}

  /** Of the traces. */
  get origin(): string {
    return this.traces.origin;
  }

  /** In the paper's order. */
  get policies(): PolicyInfo[] {
    return this.traces.shown.map(({ policy }) => policy);
  }

  /**
   * Points of simulated cores, and then those of measured machines.
   * @param policies ids; all that were traced unless told.
   * @throws Error naming the file when a trace is damaged.
   */
  async on(cores: readonly CoreParameters[], policies?: readonly string[]): Promise<FrontendData> {
    const isAsked = ({ policy }: { policy: PolicyInfo }) => !policies || policies.includes(policy.id);
    const points = await Promise.all(cores.flatMap((core) => this.traces.shown.filter(isAsked).map((traced) => this.point(traced, core))));
    const measured = this.measured.filter(isAsked);
    const measuredNotes = new Set(measured.flatMap(({ core, notes = [] }) => notes.map((note) => `${core.label}: ${note}.`)));
    return { points: [...points, ...measured], notes: [simulatedNote, ...this.traces.notes, ...measuredNotes] };
  }

  /**
   * One policy's trace on one core.
   * @throws Error naming a policy without trace, or the file when it is damaged.
   */
  replay(policy: string, core: CoreParameters, options: ReplayOptions = {}): Promise<ReplayResult> {
    // Not by name: a core that is changed and named otherwise is another, one that is only named otherwise is not.
    const { id: _id, name: _name, sources: _sources, ...numbers } = core;
    const key = canonicalJson([policy, numbers, { emptyAtCalls: false, ...options }]);
    const result = this.results.get(key) ?? this.input(policy).then((input) => replayElsewhere(input, core, options));
    this.results.set(key, result);
    return result;
  }

  /** A policy's trace, ready to be replayed. @throws Error as {@link replay}. */
  async input(policy: string): Promise<CoreInput> {
    const known = this.inputs.get(policy) ?? this.prepare(this.tracedOf(policy));
    this.inputs.set(policy, known);
    return known;
  }

  /** As {@link TracesData} has it. @throws Error naming a policy without trace. */
  tracedOf(policy: string): TracedPolicy {
    const traced = this.traces.shown.find((each) => each.policy.id === policy);
    if (!traced) throw new Error(`no trace of policy "${policy}"; there are ${this.policies.map(({ id }) => id).join(', ')}`);
    return traced;
  }

  private async prepare({ run: id }: TracedPolicy): Promise<CoreInput> {
    const run = this.runs.find((each) => each.id === id)!;
    return prepare({ ...await openRecordedTrace(this.recording, run), grouping: 'ours' });
  }

  private async point({ policy, run }: TracedPolicy, core: CoreParameters): Promise<FrontendPoint> {
    const bounds = await Promise.all([false, true].map((emptyAtCalls) => this.replay(policy.id, core, { emptyAtCalls })));
    const samples = quantityNames.flatMap((quantity) => {
      const values = bounds.map(({ mean }) => quantityOf(quantity).of(mean, core));
      return values.includes(null) ? [] : [[quantity, values as number[]] as const];
    });
    return {
      policy, core: { id: core.id, label: core.name, microarchitecture: null }, load: null, method: 'simulated',
      origin: this.traces.origin, envoyVersion: this.traces.envoyVersion, runs: [run], samples: Object.fromEntries(samples),
    };
  }
}
