// @ts-check
/**
 * Builds everything a cluster on this machine runs, from package registries alone: Kubernetes, Istio and CoreDNS from
 * Go's module proxy, etcd, containerd, runc, the network plugins and iptables from Debian's archives. Nothing is
 * installed and no image is pulled: it all stays below .workbench/cluster/, where lib/deploy/cluster/ looks for it.
 *
 * Each part is made again when its version changes (go.mod, go.sum, the list of packages), and only then.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { candidateOf, isDebian, onPath, unpack } from '../debian.mjs';
import { execute, runSteps, StepFailed } from '../steps.mjs';

/** @typedef {import('../steps.mjs').Step} Step */
/** @typedef {{ package: string, alternatives?: string[], reason: string, provides: string }} Unpacked */

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(path.dirname(here));
const cache = path.join(root, '.workbench', 'cluster');
/** Modules and compiled packages of Go; needed while building only. */
const goFolder = path.join(cache, 'go');
const osReleaseFile = '/etc/os-release';

const network = 'check the network and Go\'s module proxy (`go env GOPROXY`), then run the same command again';
const getGo = 'install Go 1.21 or newer (https://go.dev/dl); it fetches the compiler version it needs by itself';

/** What a build needs while it runs, most of it Go's caches. */
const DISK_GB = 9;

/**
 * Builds what is missing, with progress lines; prints time and disk before it begins.
 * @param {{ keepGoCaches?: boolean, log?: (line: string) => void }} [options] `keepGoCaches`: a next build is faster, but they take
 *   several gigabytes.
 * @throws {StepFailed} when a part cannot be built here.
 */
export async function buildCluster({ keepGoCaches = false, log = console.log } = {}) {
  const steps = [debianPackages(), ...kubernetes(), ...istio(), coreDns(), pause()];
  if (steps.some((step) => !step.done())) {
    checkDisk();
    log(`cluster: builds Kubernetes, Istio and CoreDNS from source: about 16 minutes on two idle cores, ${DISK_GB} GB below ${cache} meanwhile, 1.5 GB afterwards`);
  }
  const { ran } = await runSteps(steps, { folder: path.join(cache, 'setup'), log });
  if (!keepGoCaches) removeGoCaches();
  return { ran };
}

/** The modules of Go's cache are read-only, folders included; rm would stop at them. */
function removeGoCaches() {
  if (!fs.existsSync(goFolder)) return;
  spawnSync('chmod', ['-R', 'u+w', goFolder]);
  fs.rmSync(goFolder, { recursive: true, force: true });
}

function checkDisk() {
  fs.mkdirSync(cache, { recursive: true });
  const { bavail, bsize } = fs.statfsSync(cache);
  const freeGb = bavail * bsize / 1e9;
  if (freeGb < DISK_GB) throw new StepFailed(`${freeGb.toFixed(1)} GB are free for ${cache}, the build needs ${DISK_GB}`, 'free some and run the same command again');
}

/**
 * Debian packages, unpacked into a folder that nodes lay over their /usr.
 * @returns {Step}
 */
function debianPackages() {
  const list = path.join(here, 'debian-packages.json');
  /** @type {Unpacked[]} */ const packages = JSON.parse(fs.readFileSync(list, 'utf8')).packages;
  const folder = path.join(cache, 'debian');
  return {
    id: 'debian',
    label: 'etcd, containerd, runc, network plugins and iptables from Debian',
    expect: 'about 15 s, 200 MB',
    required: true,
    inputs: [list],
    // Another release has other libraries.
    state: () => osRelease(),
    done: () => packages.every(({ provides }) => fs.existsSync(path.join(folder, provides))),
    impossible: () => isDebian(osRelease()) && onPath('apt-get') ? null : {
      reason: 'this is not Debian or Ubuntu, where etcd, containerd and runc come from',
      remedy: 'use such a machine, or a Kubernetes cluster of your own by its kubeconfig',
    },
    run: (log) => unpackDebian(packages, folder, log),
  };
}

function osRelease() {
  return fs.existsSync(osReleaseFile) ? fs.readFileSync(osReleaseFile, 'utf8') : '';
}

/**
 * @param {Unpacked[]} packages
 * @param {string} folder
 * @param {(line: string) => void} log
 */
async function unpackDebian(packages, folder, log) {
  const remedy = 'check the network and /etc/apt/sources.list, run apt-get update as root, then the same command again';
  const fresh = `${folder}.fresh`;
  fs.rmSync(fresh, { recursive: true, force: true });
  for (const entry of packages) {
    const name = candidateOf(entry);
    if (name === undefined) throw new StepFailed(`this system's archives do not have ${entry.package}`, remedy);
    await unpack(name, fresh, { log, remedy });
  }
  // As on a system whose /bin, /sbin and /lib are links into /usr.
  for (const top of ['bin', 'sbin', 'lib'].filter((name) => fs.existsSync(path.join(fresh, name)))) {
    fs.cpSync(path.join(fresh, top), path.join(fresh, 'usr', top), { recursive: true, verbatimSymlinks: true });
    fs.rmSync(path.join(fresh, top), { recursive: true });
  }
  linkIptables(path.join(fresh, 'usr', 'sbin'));
  fs.rmSync(folder, { recursive: true, force: true });
  fs.renameSync(fresh, folder);
}

/**
 * The names that update-alternatives would give iptables.
 * @param {string} folder
 */
function linkIptables(folder) {
  for (const program of ['iptables', 'ip6tables']) {
    for (const verb of ['', '-save', '-restore']) fs.symlinkSync('xtables-nft-multi', path.join(folder, `${program}${verb}`));
  }
}

/** @returns {Step[]} */
function kubernetes() {
  const version = requiredVersion('kubernetes', 'k8s.io/kubernetes');
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  const prefix = 'k8s.io/component-base/version';
  const flags = [`-X ${prefix}.gitVersion=${version}`, `-X ${prefix}.gitMajor=${major}`, `-X ${prefix}.gitMinor=${minor}`, `-X ${prefix}.gitTreeState=clean`];
  const expected = { 'kube-apiserver': 'about 7 min', 'kube-controller-manager': 'about 2 min', 'kube-scheduler': 'seconds', kubelet: 'about 30 s', 'kube-proxy': 'seconds' };
  return Object.entries(expected).map(([program, expect]) => (
    goProgram({ part: 'kubernetes', program, source: `k8s.io/kubernetes/cmd/${program}`, label: `${program} ${version}`, expect, flags })));
}

/** @returns {Step[]} */
function istio() {
  const version = requiredVersion('istio', 'istio.io/istio');
  // What that commit calls itself; a version that it cannot read it would take for the newest.
  const flags = ['-X istio.io/istio/pkg/version.buildVersion=1.22-dev'];
  const programs = ['pilot-discovery', 'pilot-agent'].map((program) => (
    goProgram({ part: 'istio', program, source: `istio.io/istio/pilot/cmd/${program}`, label: `Istio's ${program} ${version}`, expect: 'about 3 min', flags })));
  return [...programs, sidecarBootstrap(), istioManifest()];
}

/**
 * The template of a sidecar's bootstrap, which Istio's agent fills in.
 * @returns {Step}
 */
function sidecarBootstrap() {
  const target = path.join(cache, 'istio', 'envoy_bootstrap.json');
  return {
    id: 'sidecar-bootstrap',
    label: "Istio's template of a sidecar's bootstrap",
    required: true,
    inputs: moduleFiles('istio'),
    done: () => fs.existsSync(target),
    impossible: whyNoGo,
    run: async () => {
      const source = path.join(moduleFolder('istio', 'istio.io/istio'), 'tools', 'packaging', 'common', 'envoy_bootstrap.json');
      // Copied with its mode, it would be read-only, and a next build could not replace it.
      fs.writeFileSync(target, fs.readFileSync(source));
    },
  };
}

/** @returns {Step} */
function istioManifest() {
  const values = path.join(here, 'istio', 'values.yaml');
  const manifest = path.join(cache, 'istio', 'manifest.yaml');
  return {
    id: 'istio-manifest',
    label: "manifest of Istio's control plane",
    expect: 'about 20 s',
    required: true,
    inputs: [...moduleFiles('istio'), values],
    done: () => fs.existsSync(manifest),
    impossible: whyNoGo,
    run: async (log) => {
      await execute(['go', 'run', '-trimpath', '.', values, `${manifest}.fresh`], { log, cwd: path.join(here, 'istio'), env: goEnvironment(), remedy: network });
      fs.renameSync(`${manifest}.fresh`, manifest);
    },
  };
}

/** @returns {Step} */
function coreDns() {
  const version = requiredVersion('coredns', 'github.com/coredns/coredns');
  return goProgram({ part: 'coredns', program: 'coredns', source: '.', label: `CoreDNS ${version} with the plugins a cluster needs`, expect: 'about 2 min', flags: [] });
}

/** @returns {Step} */
function pause() {
  const source = path.join(here, 'pause', 'pause.c');
  const program = path.join(cache, 'pause', 'pause');
  return {
    id: 'pause',
    label: 'pause, the process that holds a pod',
    required: true,
    inputs: [source],
    done: () => fs.existsSync(program),
    run: async (log) => {
      fs.mkdirSync(path.dirname(program), { recursive: true });
      await execute(['gcc', '-Os', '-static', '-s', '-o', program, source], { log, remedy: 'install gcc and libc6-dev' });
    },
  };
}

/**
 * A step that builds one Go program into `.workbench/cluster/<part>/`.
 * @param {{ part: string, program: string, source: string, label: string, expect: string, flags: string[] }} what `source`: the
 *   package, `flags`: of the linker.
 * @returns {Step}
 */
function goProgram({ part, program, source, label, expect, flags }) {
  const binary = path.join(cache, part, program);
  return {
    id: program,
    label,
    expect,
    required: true,
    inputs: moduleFiles(part),
    state: () => flags.join(' '),
    done: () => fs.existsSync(binary),
    impossible: whyNoGo,
    run: async (log) => {
      const fresh = `${binary}.fresh`;
      await execute(['go', 'build', '-trimpath', '-ldflags', ['-s', '-w', ...flags].join(' '), '-o', fresh, source], {
        log, cwd: path.join(here, part), env: goEnvironment(), remedy: network,
      });
      // A cluster that is up keeps the one it runs.
      fs.renameSync(fresh, binary);
    },
  };
}

function goEnvironment() {
  const folder = { GOPATH: goFolder, GOMODCACHE: path.join(goFolder, 'modules'), GOCACHE: path.join(goFolder, 'compiled') };
  return { ...folder, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' };
}

function whyNoGo() {
  return onPath('go') ? null : { reason: 'go is not installed', remedy: getGo };
}

/** @param {string} part */
function moduleFiles(part) {
  const folder = path.join(here, part);
  return fs.readdirSync(folder).filter((name) => /\.(go|mod|sum)$/.test(name)).sort().map((name) => path.join(folder, name));
}

/**
 * The version that a part's go.mod asks for.
 * @param {string} part
 * @param {string} module
 */
function requiredVersion(part, module) {
  const text = fs.readFileSync(path.join(here, part, 'go.mod'), 'utf8');
  const found = text.split('\n').map((line) => line.trim().replace(/^require /, '').split(' ')).find(([name]) => name === module);
  if (!found) throw new Error(`environment/cluster/${part}/go.mod does not require ${module}`);
  return found[1];
}

/**
 * Where Go keeps a module's source.
 * @param {string} part
 * @param {string} module
 */
function moduleFolder(part, module) {
  const options = { cwd: path.join(here, part), env: { ...process.env, ...goEnvironment() }, encoding: /** @type {const} */ ('utf8') };
  const { stdout, stderr } = spawnSync('go', ['mod', 'download', '-json', module], options);
  const { Dir: folder, Error: error } = JSON.parse(stdout || '{}');
  if (!folder) throw new StepFailed(`Go has no source of ${module}: ${error ?? stderr.trim()}`, network);
  return String(folder);
}
