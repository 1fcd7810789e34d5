/**
 * Our Valgrind tools (environment/valgrind-tool): built when missing, put before a program's command line, and told
 * what to do while it runs.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Availability } from './availability.js';
import { projectPath, workbenchPath } from './paths.js';
import { run } from './process.js';

const tools = ['regions', 'trace'] as const;
export type ValgrindTool = (typeof tools)[number];
const toolSource = ['environment', 'valgrind-tool'];

/**
 * The words to put before a program's command line so that it runs under one of our tools: builds them when missing
 * or older than their source.
 * @param thread name of the one thread that is looked at.
 * @param options further ones of the tool.
 * @throws Error when the tools cannot be built.
 */
export async function valgrindWrap(tool: ValgrindTool, thread: string, options: readonly string[] = []): Promise<string[]> {
  return [
    'env', `VALGRIND_LIB=${await buildTools()}`, 'valgrind', '--quiet', `--tool=${tool}`, `--thread=${thread}`, ...options,
    '--vex-guest-chase=no', vgdbOption(),
  ];
}

/** Valgrind's option for being reached by `tellTool` and `askTool`. */
export function vgdbOption(): string {
  return `--vgdb-prefix=${vgdbPrefix()}`;
}

/** Valgrind's version, e.g. `valgrind-3.19.0`. */
export async function valgrindVersion(): Promise<string> {
  return (await run(['valgrind', '--version'])).stdout.trim();
}

/**
 * Whether our tools can be built and run here.
 * @param version of what is built on them.
 */
export async function probeValgrind(version: () => Promise<string>): Promise<Availability> {
  const builders: [string, string][] = areBuilt() ? [] : [['make', 'make'], ['gcc', 'gcc']];
  for (const [program, packageName] of [['valgrind', 'valgrind'], ...builders]) {
    const { exitCode } = await run([program, '--version'], { allow: 'any' });
    if (exitCode !== 0) return { available: false, reason: `${program} is not installed`, remedy: `install the package ${packageName}` };
  }
  const built = await buildTools().then(() => null, (error: Error) => error.message);
  if (built) return { available: false, reason: `our Valgrind tool does not build: ${built}`, remedy: 'install the package valgrind with its headers and static archives (Debian: in the same package)' };
  return { available: true, version: await version() };
}

/**
 * Gives a running tool a command and waits until it is carried out.
 * @param process what runs under the tool: its pid, and what the tool is to it in messages.
 * @param command e.g. `on`, or `dump FILE`.
 * @param cpus cores that vgdb may use.
 * @throws Error with the tool's reason, or when there is none of our tools in that process.
 */
export async function tellTool(process: { pid: number; toolIs: string; wrappedBy: string }, command: string, cpus: number[]): Promise<void> {
  const { stdout, stderr } = await askTool(process.pid, command, cpus);
  if (stdout.trim() === 'ok') return;
  const reason = (stdout.trim() || stderr.trim()).split('\n').slice(-1)[0] || 'no answer';
  throw new Error(`${process.toolIs} in process ${process.pid} refused "${command.split(' ')[0]}": ${reason}; is Envoy alive and started under ${process.wrappedBy}?`);
}

/** Gives any Valgrind tool a monitor command. @returns what it and vgdb answer, each tool in its own words. */
export function askTool(pid: number, command: string, cpus: number[]): Promise<{ stdout: string; stderr: string }> {
  return run(['vgdb', vgdbOption(), `--pid=${pid}`, ...command.split(' ')], { allow: 'any', cpus, timeoutMs: 60_000 });
}

/** Compiles the tools unless they stand there already, newer than their source. @returns the VALGRIND_LIB folder. */
async function buildTools(): Promise<string> {
  if (!areBuilt()) await run(['make', '-s', '-C', projectPath(...toolSource), `OUT=${toolFolder()}`]);
  return toolFolder();
}

/** Where they are, nothing that only builds is needed. */
function areBuilt(): boolean {
  return tools.every((tool) => {
    const builtAt = changedAt(path.join(toolFolder(), `${tool}-amd64-linux`));
    return [`${tool}.c`, 'tool.h', 'Makefile'].every((file) => changedAt(projectPath(...toolSource, file)) <= builtAt);
  });
}

function changedAt(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
}

function toolFolder(): string {
  return workbenchPath('valgrind-tool');
}

/** Where vgdb's pipes are: a folder of this clone rather than /tmp, cleared of those that a killed Valgrind left. */
function vgdbPrefix(): string {
  const folder = workbenchPath('vgdb');
  fs.mkdirSync(folder, { recursive: true });
  for (const pipe of fs.readdirSync(folder)) {
    const pid = /-(\d+)-by-/.exec(pipe)?.[1];
    if (pid && !fs.existsSync(`/proc/${pid}`)) fs.rmSync(path.join(folder, pipe), { force: true });
  }
  return path.join(folder, 'pipe');
}
