/** How far the simulated core can be trusted: its counts beside somebody else's, and whether its rates are steady. */
import type { Check, Drift, FrontendChecks } from '../experiments/frontend-checks.js';
import type { Row } from '../store/value.js';
import type { Item } from './item.js';

export function fig09Validation({ core, origin, checks, drifts }: FrontendChecks): Item {
  return {
    item: 'fig09-validation',
    title: 'Figure 9: the simulated core, checked',
    rows: [...checks.map((check) => checkRow(check, core, origin)), ...drifts.map((drift) => driftRow(drift, core, origin))],
    figure: null,
    table: {
      columns: [
        { key: 'of', label: 'on' }, { key: 'quantity', label: 'quantity' }, { key: 'counted', label: 'here' }, { key: 'expected', label: 'expected' },
        { key: 'deviation', label: 'deviation' }, { key: 'by', label: 'by' },
      ],
      rows: [...checks.map(checkCells), ...drifts.map(driftCells)],
    },
    paper: [],
    notes: [
      'Random branches and targets are as drawn once from a seeded generator: there counts scatter around what is expected.',
      'Every request of a trace differs from the others. A rate that is not flat within 2 % from window to window is still learning.',
    ],
    judgements: [],
  };
}

/** Per cent; null where nothing is expected. */
function deviation({ counted, expected }: Check): number | null {
  if (expected === 0) return counted === 0 ? 0 : null;
  return 100 * (counted / expected - 1);
}

function checkRow(check: Check, core: string, origin: string): Row {
  const value = deviation(check);
  return {
    series: `${check.quantity}, deviation from ${check.by}, ${core} (simulated)`, x: check.of, interval: null, unit: '%', origin, runs: check.runs,
    ...(value === null ? { value, method: 'unavailable', reason: `expected 0, counted ${text(check.counted)}` } : { value, method: check.by === 'callgrind' ? 'measured: instruction trace' : 'simulated' }),
  };
}

function checkCells(check: Check): Record<string, string | number> {
  return { of: check.of, quantity: `${check.quantity} (${check.unit})`, counted: text(check.counted), expected: text(check.expected), deviation: percent(deviation(check)), by: check.by };
}

/** How far the last window but one is from the last. */
function changeOf({ rates }: Drift): number {
  const [before, last] = rates.slice(-2);
  return 100 * (last / before - 1);
}

function driftRow(drift: Drift, core: string, origin: string): Row {
  return {
    series: `${drift.quantity}, change from window to window, ${core} (simulated)`, x: drift.of, value: changeOf(drift), interval: null, unit: '%',
    method: 'simulated', origin, runs: drift.runs,
  };
}

function driftCells(drift: Drift): Record<string, string | number> {
  const { of, quantity, window, rates, flatFrom } = drift;
  return {
    of, quantity: `${quantity} (MPKI) of ${window} requests each: ${rates.map((rate) => rate.toFixed(2)).join(', ')}`, counted: text(rates[rates.length - 1]),
    expected: text(rates[rates.length - 2]), deviation: percent(changeOf(drift)), by: flatFrom === null ? 'the window before; not flat to 2 % yet' : `the window before; flat to 2 % from request ${flatFrom} on`,
  };
}

function percent(value: number | null): string {
  return value === null ? '-' : `${value.toFixed(2)} %`;
}

function text(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
