/** A small deployment as `deploymentOf` gives it, for tests of what is drawn from one. */
import type { DeploymentData } from '../../../lib/experiments/deployment.js';
import { capabilityNames, type Capability } from '../../../lib/host/capabilities.js';

const there: Capability = { available: true, version: '1.0', kind: 'system' };
const capabilities = Object.fromEntries(capabilityNames.map((name) => [name, there])) as DeploymentData['observation']['capabilities'];

const member = (name: 'service A' | 'sidecar A' | 'sidecar B' | 'service B', program: string, pid: number, cpu: number) =>
  ({ name, program, pid, thread: { name: program === 'envoy' ? 'wrk:worker_0' : program, tid: pid, cpu } });

export const deploymentData: DeploymentData = {
  origin: 'live',
  runs: ['local/x/deployment/0123/0'],
  machine: {
    cpuModel: 'AMD EPYC', vendor: 'AuthenticAMD', family: 25, model: 17, stepping: 1, microarchitecture: 'Zen 4', series: null, sockets: 1, cores: 2,
    threads: 2, smt: false, caches: [], memoryBytes: 2 ** 33, kernel: '6.1', os: 'Debian', governor: 'not exposed', turbo: 'not exposed',
    cStates: 'not exposed', hypervisor: 'KVM', node: '20.0.0',
  },
  date: '2026-11-23',
  observation: {
    policy: { id: 'http', label: 'HTTP Router', filters: 0 },
    envoy: { version: '1.40.0', buildId: '9e5580933739775e8bce696a57a2e1bc99368f23' },
    backend: { name: 'socketify', version: '0.0.31', standInReason: null },
    members: [member('service A', 'node', 100, 0), member('sidecar A', 'envoy', 200, 1), member('sidecar B', 'envoy', 300, 1), member('service B', 'python', 400, 0)],
    listening: [
      { owner: 'sidecar A', address: { host: '127.0.0.1', port: 2001 }, purpose: 'admin' },
      { owner: 'sidecar A', address: { host: '127.0.0.1', port: 2000 }, purpose: 'traffic' },
      { owner: 'sidecar B', address: { host: '127.0.0.1', port: 3000 }, purpose: 'traffic' },
      { owner: 'service B', address: { host: '127.0.0.1', port: 4000 }, purpose: 'traffic' },
    ],
    connections: [
      { from: 'service A', to: 'sidecar A', fromPort: 51000, toPort: 2000 },
      { from: 'sidecar A', to: 'sidecar B', fromPort: 52000, toPort: 3000 },
      { from: 'sidecar B', to: 'service B', fromPort: 53000, toPort: 4000 },
    ],
    requests: { sent: 20, egress: { received: 20, passedOn: 20 }, ingress: { received: 19, passedOn: 18 } },
    payloadBytes: 100,
    timesUs: { direct: [200, 210, 190], ingress: [500, 520, 480], both: [700, 690, 680] },
    capabilities: {
      ...capabilities,
      'perf record': { kind: 'collector', available: true, version: '6.1', note: 'samples the CPU clock' },
      'hardware counters': { kind: 'collector', available: false, reason: 'the CPU shows no performance monitoring unit', remedy: 'use bare metal' },
    },
    coreClock: { cpu: 1, hz: 3.7e9, interval: [3.6e9, 3.8e9] },
  },
};
