/** Data of experiment `traces`: recorded traces in, what figures and tables ask of each policy out. */
import { profileTrace, type TraceProfile } from '../analysis/trace-profile.js';
import { callgrind } from '../counters/callgrind.js';
import { paperRank } from '../deploy/catalogue.js';
import type { Grouping } from '../paper/components.js';
import { readTransitions, type Transitions } from '../simulate/transitions.js';
import type { Recording, Run } from '../store/run-store.js';
import { countBranches, type BranchCounts } from '../trace/branches.js';
import type { RequestSpan } from '../trace/requests.js';
import type { TraceHeader } from '../trace/trace.js';
import { compareWithCallgrind, type CallgrindComparison } from './callgrind-comparison.js';
import type { PolicyInfo } from './components-data.js';
import { newestOnly } from './newest.js';
import type { CollectorName } from './plan.js';
import { openRecordedTrace } from './recorded-trace.js';
import { isTracer, valgrindTrace } from './trace-collectors.js';
import { isGood } from './warnings.js';

/** One recorded trace. */
export interface TracedPolicy {
  policy: PolicyInfo;
  recorder: CollectorName;
  run: string;
  header: TraceHeader;
  /** Whole requests, in order; everything below speaks of these. */
  spans: RequestSpan[];
  /** By the grouping of components. */
  profiles: Record<Grouping, TraceProfile>;
  /** Between 4 kB pages, and between 64-byte lines, with the requests' borders; what runs between requests is in them too. */
  pages: Transitions;
  lines: Transitions;
  /** By request. */
  branches: BranchCounts[];
}

export interface TracesData {
  origin: string;
  cpuModel: string;
  envoyVersion: string;
  /** The trace that figures show of each policy. */
  shown: TracedPolicy[];
  /** All of them, e.g. of both recorders. */
  traced: TracedPolicy[];
  /** Policies that callgrind counted as well. */
  counted: CallgrindComparison[];
  notes: string[];
}

/**
 * Reads all traces of a recording.
 * @throws Error naming the file when a trace is damaged, or the code it ran is not in the recording.
 */
export async function tracesData(recording: Pick<Recording, 'name' | 'dir' | 'origin'>, runs: Run[]): Promise<TracesData> {
  const usable = newestOnly(runs.filter(isGood)).filter((run) => run.repeat === 0);
  const good = usable.filter((run) => isTracer(run.spec.collector.name));
  if (good.length === 0) throw new Error(`${recording.name} holds no trace yet; record some with notebook 06 or \`npm run reproduce -- --only fig11\``);
  const traced: TracedPolicy[] = [];
  const counted: CallgrindComparison[] = [];
  for (const run of good) {
    const { policy, comparison } = await readTraced(recording, run, usable.find(isCallgrindOf(run)));
    traced.push(policy);
    if (comparison) counted.push(comparison);
  }
  const ids = [...new Set(good.map(({ policy }) => policy.id))].sort((a, b) => paperRank(a) - paperRank(b));
  return {
    origin: recording.origin,
    cpuModel: runs[0].provenance.machine.cpuModel,
    envoyVersion: [...new Set(good.map((run) => run.provenance.envoyVersion))].join(', '),
    shown: ids.map((id) => preferred(traced.filter(({ policy }) => policy.id === id))),
    traced,
    counted,
    notes: notesOn(runs, good),
  };
}

/** Valgrind's are the longest; a policy that it cannot trace has the native one as it is. */
const preference: readonly CollectorName[] = ['trace', 'single-step', 'single-step-masked'];

function preferred(of: TracedPolicy[]): TracedPolicy {
  return [...of].sort((a, b) => preference.indexOf(a.recorder) - preference.indexOf(b.recorder))[0];
}

/** Whether a run is callgrind's of what the Valgrind tool traced in another. */
function isCallgrindOf(traced: Run): (run: Run) => boolean {
  return (run) => traced.spec.collector.name === valgrindTrace.name && run.spec.collector.name === callgrind.name && run.policy.id === traced.policy.id;
}

async function readTraced(recording: Pick<Recording, 'dir'>, run: Run, counted: Run | undefined): Promise<{ policy: TracedPolicy; comparison: CallgrindComparison | null }> {
  const { trace, spans, decoder, anchors, buildId } = await openRecordedTrace(recording, run);
  if (spans.length === 0) throw new Error(`${run.id} holds no whole request; remove that run's folder to record it again`);
  const profile = (grouping: Grouping) => profileTrace({ trace, spans, decoder, anchors, buildId, grouping });
  const [pages, lines] = await readTransitions(trace, [4096, 64], spans);
  const policy: TracedPolicy = {
    policy: run.policy, recorder: run.spec.collector.name as CollectorName, run: run.id, header: trace.header, spans, pages, lines,
    profiles: { ours: await profile('ours'), authors: await profile('authors') },
    branches: await countBranches(trace, decoder, spans),
  };
  return { policy, comparison: counted ? await compareWithCallgrind(run, trace, decoder, counted) : null };
}

function notesOn(runs: Run[], used: Run[]): string[] {
  const marked = runs.filter((run) => !isGood(run)).map((run) => `${run.policy.label}, ${run.spec.collector.name}: ${run.warnings.map(({ text }) => text).join('; ')}`);
  // Stepped runs always use it: what they are compared with says so.
  const backends = [...new Set(used.filter((run) => run.spec.collector.name === 'trace').map((run) => run.spec.backend.name))].filter((name) => name !== 'socketify');
  return [
    ...(marked.length > 0 ? [`Recorded but left out: ${marked.slice(0, 3).join('. ')}${marked.length > 3 ? ` and ${marked.length - 3} more` : ''}.`] : []),
    ...backends.map((name) => `The backend was the ${name} stand-in, not the paper's socketify echo server.`),
  ];
}
