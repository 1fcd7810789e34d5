/** Figure 17: Figure 8's top-down split on an older processor, beside the newer one. */
import type { FrontendData } from '../experiments/frontend-data.js';
import { judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import { slotQuantities, topDownPicture } from './fig08.js';
import { differenceEvidence, pairsOf, type PolicyPair } from './frontend-pairs.js';
import { boundNotes, evidenceOf, panelsOf, rowsOf } from './frontend-values.js';
import { paperSays, type Item } from './item.js';

/** @param data with the simulated Haswell and Ice Lake, and every measured machine. */
export function fig17(data: FrontendData): Item {
  const panels = panelsOf(data, slotQuantities);
  return {
    item: 'fig17',
    title: 'Figure 17: pipeline slots by top-down analysis, two generations',
    rows: rowsOf(panels, slotQuantities),
    figure: panels.length > 0 ? topDownPicture('Figure 17: pipeline slots of each policy, by generation', panels) : null,
    table: null,
    paper: paperSays('fig17'),
    notes: [...boundNotes(panels), ...data.notes],
    judgements: judgements(data),
  };
}

/** Frontend and backend bound of every policy; a backend that is not modelled leaves the claim open at best. */
function judgements(data: FrontendData): Judgement[] {
  const pairs = pairsOf(data, 'frontend');
  if ('reason' in pairs) return [unavailable('C40', 'similar', pairs.reason)];
  return [judgeAll('C40', 'similar', pairs.flatMap((pair) => [differenceEvidence(pair, 'frontend', 'older', 'relative', '%'), backendCase(pair)]))];
}

function backendCase(pair: PolicyPair): Evidence {
  const lacks = [pair.older, pair.newer].find(({ samples }) => !samples.backend?.length);
  return lacks ? evidenceOf(lacks, 'backend', '%') : differenceEvidence(pair, 'backend', 'older', 'relative', '%');
}
