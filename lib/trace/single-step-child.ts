/**
 * The process that steps: started by single-step.ts on the tracee's core, told what to do as JSON in its only argument.
 * It prints a line `attached`, then the outcome as JSON, or `failed: <reason>`. SIGTERM ends the recording early.
 */
import { readMappedCode } from './mapped-code.js';
import { createTraceWriter } from './format.js';
import { recorderVersion, type SingleStepTask } from './single-step.js';
import { steppedCode } from './stepped-code.js';
import { stepThrough, type SteppingOutcome } from './stepping.js';

async function main(task: SingleStepTask): Promise<SteppingOutcome> {
  let told = false;
  process.on('SIGTERM', () => { told = true; });
  const writer = createTraceWriter(task.file, {
    format: 1, recorder: 'single-step', recorderVersion: recorderVersion(), code: readMappedCode(task.pid), clientDescriptors: task.clientDescriptors,
  });
  try {
    const outcome = await stepThrough(task, writer, steppedCode(task.pid), () => console.log('attached'), () => told);
    await writer.finish();
    return outcome;
  } catch (error) {
    writer.discard();
    throw error;
  }
}

main(JSON.parse(process.argv[2]) as SingleStepTask).then(
  (outcome) => console.log(JSON.stringify(outcome)),
  (error: Error) => {
    console.log(`failed: ${error.message}`);
    process.exitCode = 1;
  },
);
