// Second thread of npm-generator.ts: says when requests are due, once for all that are due by now. Plain JavaScript,
// because a worker thread starts without the TypeScript loader.
const { parentPort } = require('node:worker_threads');

parentPort.once('message', ({ rate, count, originNs }) => {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const nowMs = () => Number(process.hrtime.bigint() - originNs) / 1e6;
  for (let k = 0; k < count; k = Math.floor((nowMs() * rate) / 1000) + 1) {
    const waitMs = (k * 1000) / rate - nowMs();
    if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
    parentPort.postMessage(null);
  }
});
