/** Figure 15: Figure 9's misses on an older processor, beside the newer one. */
import type { FrontendData } from '../experiments/frontend-data.js';
import { judgeAll, unavailable, type Judgement } from '../report/verdicts.js';
import { mpkiNotes, mpkiPicture, mpkiQuantities } from './fig09.js';
import { differenceEvidence, pairsOf } from './frontend-pairs.js';
import { atHighestLoad, panelsOf, rowsOf } from './frontend-values.js';
import { paperSays, type Item } from './item.js';

/** @param all with the simulated Haswell and Ice Lake, and every measured machine. */
export function fig15(all: FrontendData): Item {
  const data = atHighestLoad(all);
  const panels = panelsOf(data, mpkiQuantities);
  return {
    item: 'fig15',
    title: 'Figure 15: misses of instruction cache and branch prediction, two generations',
    rows: rowsOf(panels, mpkiQuantities),
    figure: panels.length > 0 ? mpkiPicture('Figure 15: misses per thousand instructions, by generation', panels) : null,
    table: null,
    paper: paperSays('fig15'),
    notes: [...mpkiNotes, ...data.notes],
    judgements: judgements(data),
  };
}

function judgements(data: FrontendData): Judgement[] {
  const pairs = pairsOf(data, 'l1iMpki');
  if ('reason' in pairs) return [unavailable('C38', 'lower', pairs.reason), unavailable('C38', 'amount', pairs.reason)];
  const increases = pairs.map((pair) => differenceEvidence(pair, 'l1iMpki', 'newer', 'relative', '%'));
  return [
    judgeAll('C38', 'lower', pairs.map((pair) => differenceEvidence(pair, 'l1iMpki', 'older', 'absolute', 'MPKI'))),
    judgeAll('C38', 'amount', [increases.reduce((a, b) => (b.value! > a.value! ? b : a))]),
  ];
}
