import { describe, expect, test } from 'vitest';
import { hardwareAvailability } from '../../../lib/counters/hardware-counters.js';
import { capabilityNames, hugePageAvailability, schedstatAvailability, type Capability, type CapabilityName } from '../../../lib/host/capabilities.js';
import { feasibility } from '../../../lib/host/feasibility.js';
import { itemSources } from '../../../lib/report/items.js';

describe('hardware events', () => {
  /** Captured: `perf stat -j -e cycles -e instructions true`, perf 6.1 in a guest without a performance monitoring unit. */
  const guest = [
    '{"counter-value" : "<not supported>", "unit" : "", "event" : "cycles", "event-runtime" : 0, "pcnt-running" : 100.00, "metric-value" : "0.000000", "metric-unit" : ""}',
    '{"counter-value" : "<not supported>", "unit" : "", "event" : "instructions", "event-runtime" : 0, "pcnt-running" : 100.00, "metric-value" : "0.000000", "metric-unit" : ""}',
  ].join('\n');

  test('of a guest without a monitoring unit are not available, with the reason', () => {
    expect(hardwareAvailability(guest)).toMatchObject({ available: false, reason: expect.stringContaining('no performance monitoring unit') });
  });

  test('that count are listed, those that do not are left out', () => {
    const counted = guest.replace('"<not supported>"', '"812345.000000"').replace('"cycles", "event-runtime" : 0', '"cycles:u", "event-runtime" : 700000');
    expect(hardwareAvailability(counted)).toEqual({ available: true, version: 'cycles' });
  });

  test('are not available where perf says nothing at all', () => {
    expect(hardwareAvailability('\n\n')).toMatchObject({ available: false, reason: 'perf counts nothing here' });
  });
});

describe('the system', () => {
  test('scheduler accounts need a kernel that keeps them', () => {
    expect(schedstatAvailability('81273645 1928374 42\n').available).toBe(true);
    expect(schedstatAvailability('0 0 0\n')).toMatchObject({ available: false, reason: '/proc/self/schedstat says "0 0 0"' });
    expect(schedstatAvailability(undefined).available).toBe(false);
  });

  test.each([['always [madvise] never\n', true], ['always madvise [never]\n', false], [undefined, false]])('huge pages with %j: %s', (enabled, available) => {
    expect(hugePageAvailability(enabled).available).toBe(available);
  });
});

describe('which figures can be measured', () => {
  function machineWithout(...missing: CapabilityName[]): Record<CapabilityName, Capability> {
    const entries = capabilityNames.map((name) => [name, missing.includes(name)
      ? { kind: 'system', available: false, reason: 'not here', remedy: 'none' }
      : { kind: 'system', available: true, version: '1' }]);
    return Object.fromEntries(entries) as Record<CapabilityName, Capability>;
  }
  const fig07 = (found: Record<CapabilityName, Capability>) => feasibility(found).find(({ item }) => item === 'fig07')!;

  test('every figure and table that is made is judged; variants go with theirs', () => {
    const made = itemSources.map(({ item }) => item.split('-')[0]);
    expect(feasibility(machineWithout()).map(({ item }) => item).sort()).toEqual([...new Set(made)].sort());
    expect(feasibility(machineWithout()).filter(({ verdict }) => verdict !== 'measure').map(({ item, verdict }) => [item, verdict])).toEqual([['fig11b', 'simulate']]);
  });

  test('without Envoy everything but the machine itself is only redrawn, and says why', () => {
    const [machine, ...others] = feasibility(machineWithout('envoy'));
    expect(machine).toMatchObject({ item: 'tab01', verdict: 'measure', missing: [] });
    for (const each of others) expect(each).toMatchObject({ verdict: 'redraw only', parts: [], missing: ['envoy (not here)'] });
  });

  test('cycles come from hardware counters where there are any', () => {
    expect(fig07(machineWithout()).parts).toContain('cycles and IPC (measured: hardware counters)');
  });

  test('without hardware counters cycles are modelled, and the figure still counts as measured', () => {
    const { verdict, parts, missing } = fig07(machineWithout('hardware counters'));
    expect({ verdict, missing }).toEqual({ verdict: 'measure', missing: [] });
    expect(parts).toContain('cycles and user IPC (modelled)');
  });

  test('without perf and counters the lost parts say what they lack', () => {
    expect(fig07(machineWithout('hardware counters', 'perf record'))).toMatchObject({
      verdict: 'measure', parts: ['instructions by component (measured: exact instruction counts)', 'TLS instructions (measured: exact instruction counts)', 'SQL policy (measured: CPU time)'], missing: ['perf record (not here)', 'hardware counters (not here)'],
    });
  });
});
