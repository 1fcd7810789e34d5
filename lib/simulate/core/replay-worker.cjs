// One thread of replay-pool.ts. Plain JavaScript, because a worker thread starts without the TypeScript loader.
require('tsx/cjs');
const { parentPort } = require('node:worker_threads');
const { CodeMap } = require('./code-map.ts');
const { replay } = require('./replay.ts');

const inputs = new Map();

parentPort.on('message', ({ job, key, input, core, options }) => {
  try {
    if (input) {
      // What crosses to another thread keeps its fields, not its class.
      Object.setPrototypeOf(input.program.code, CodeMap.prototype);
      inputs.set(key, input);
    }
    parentPort.postMessage({ job, result: replay(inputs.get(key), core, options) });
  } catch (error) {
    parentPort.postMessage({ job, error: error.message });
  }
});
