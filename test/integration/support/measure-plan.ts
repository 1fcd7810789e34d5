/** A campaign as a process of its own: `node --import tsx measure-plan.ts FOLDER [--lives-on] POLICY...`; ends with one line of JSON. */
import { carryOut } from '../../../lib/experiments/campaign.js';
import { newPlace, recordedIn, smallPlan } from './small-campaign.js';

const [folder, ...words] = process.argv.slice(2);
const { store } = newPlace(folder);
// As a notebook kernel, which outlives the cell that was interrupted.
if (words[0] === '--lives-on') process.on('SIGINT', () => undefined);

carryOut(smallPlan(...words.filter((word) => !word.startsWith('--'))), { store }).then(
  () => 'all measured',
  (error: Error) => error.message,
).then((said) => console.log(JSON.stringify({ said, recorded: recordedIn(store) })));
