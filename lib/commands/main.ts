/** What every command shares: one line per error, an exit code, nothing left running after Ctrl-C. */
import { closeSharedPage } from '../figures/browser.js';
import { stopAll } from '../host/process.js';

/** Runs a command's body and sets the exit code; a returned number is that code. */
export function runMain(body: () => Promise<number | void>): void {
  body().then((code) => code ?? 0, (error: Error) => {
    console.error(process.env.WORKBENCH_TRACE ? error.stack : error.message);
    return 1;
  }).then(async (code) => {
    process.exitCode = code;
    await stopAll();
    await closeSharedPage();
  });
}
