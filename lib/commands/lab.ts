/** `npm run lab`: JupyterLab on loopback with the TypeScript kernel ready, until Ctrl-C. */
import { startLab } from '../report/lab.js';

async function main(): Promise<void> {
  const lab = await startLab();
  console.log(`JupyterLab: ${lab.url}\nNotebooks are in notebooks/. Ctrl-C ends it.`);
  await lab.exited;
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
