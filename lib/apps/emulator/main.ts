/**
 * The emulator: plays one service of a call graph, or fills a store. Bundled into one file (../emulator-bundle.ts) and
 * run by Node alone, so that nothing here imports values of the rest of lib but ../call-graph.ts.
 *
 * Usage: emulator.cjs serve '<ServePlan>'   prints {"service":"details","port":9080} once it listens
 *        emulator.cjs seed '<SeedPlan>'     waits for the store, fills it and ends
 */
import type { ServePlan, SeedPlan } from './plan.js';
import { callersOf } from './callers.js';
import { serveGrpc } from './grpc-server.js';
import { serveHttp } from './http-server.js';
import { seedStore } from './stores.js';

async function main([task, plan]: string[]): Promise<void> {
  if (task === 'serve') await serve(JSON.parse(plan) as ServePlan);
  else if (task === 'seed') await seedStore(JSON.parse(plan) as SeedPlan);
  else throw new Error(`it can serve and seed, not '${task}'`);
}

async function serve({ service, at, forwardedHeaders, callees }: ServePlan): Promise<void> {
  const listen = service.protocol === 'grpc' ? serveGrpc : serveHttp;
  const port = await listen(service, at, forwardedHeaders, callersOf(callees));
  process.stdout.write(`${JSON.stringify({ service: service.name, port })}\n`);
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
