/**
 * Every internal of tslab, its compiler and its transport that the launcher relies on, by name.
 * tslab is pinned to one version; this list is what must be read again before the pin moves.
 */
'use strict';
const path = require('node:path');

const root = path.join(__dirname, '..', '..');
const files = {
  typescript: '@tslab/typescript-for-tslab',
  zmq: 'zeromq',
  converter: 'tslab/dist/converter.js',
  executor: 'tslab/dist/executor.js',
  jupyter: 'tslab/dist/jupyter.js',
  main: 'tslab/dist/main.js',
};

/** Loads the named modules (default: all) from this clone's node_modules: the same copies the kernel runs. */
function loadInternals(names = Object.keys(files)) {
  return Object.fromEntries(names.map((name) => [name, require(require.resolve(files[name], { paths: [root] }))]));
}

/** What each replaced or called function must look like; text stands in its source where its shape matters. */
const expectations = [
  { name: 'typescript.createWatchCompilerHost', of: (m) => m.typescript.createWatchCompilerHost },
  { name: 'typescript.createWatchProgram', of: (m) => m.typescript.createWatchProgram, text: ['host.setTimeout(updateProgramWithWatchStatus, ', 'host.setTimeout(invalidateResolutionsOfFailedLookup, '] },
  { name: 'typescript.getPreEmitDiagnosticsOfFiles', of: (m) => m.typescript.getPreEmitDiagnosticsOfFiles },
  { name: 'typescript.createEmitAndSemanticDiagnosticsBuilderProgram', of: (m) => m.typescript.createEmitAndSemanticDiagnosticsBuilderProgram },
  { name: 'typescript.transpileModule', of: (m) => m.typescript.transpileModule },
  { name: 'typescript.sys.readFile', of: (m) => m.typescript.sys?.readFile },
  { name: 'zmq.Publisher.send', of: (m) => m.zmq.Publisher?.prototype.send },
  { name: 'zmq.Router.send', of: (m) => m.zmq.Router?.prototype.send },
  { name: 'executor.createExecutor', of: (m) => m.executor.createExecutor, text: ['console.error(e)', '"%s%d:%d - %s"', 'rejectInterruptPromise(interrupted)', 'sideOutputs'] },
  { name: 'converter.createConverter', of: (m) => m.converter.createConverter, text: ['ts.createWatchCompilerHost', 'getPreEmitDiagnosticsWithDependencies(builder, srcFile)', 'builder.emit(builder.getSourceFile(dep), (fileName, data) =>', 'data: esModuleToCommonJSModule(data, transpileTarget)'] },
  { name: 'converter.esModuleToCommonJSModule', of: (m) => m.converter.esModuleToCommonJSModule, text: ['ts.transpileModule(js, '] },
  { name: 'jupyter.ZmqServer.bindSocket', of: (m) => m.jupyter.ZmqServer?.prototype.bindSocket, text: ['sock.bind'] },
  { name: 'jupyter.ZmqServer.init', of: (m) => m.jupyter.ZmqServer?.prototype.init, text: ['this.connInfo = cinfo', 'this.bindSocket(this.iopub'] },
  { name: 'jupyter.ZmqServer.handleExecute', of: (m) => m.jupyter.ZmqServer?.prototype.handleExecute, text: ['createReply', 'signAndSend', 'execute_reply'] },
  { name: 'jupyter.ZmqServer.handleShellMessage', of: (m) => m.jupyter.ZmqServer?.prototype.handleShellMessage, text: ['this.handleExecute(sock, msg)', 'publishStatus("idle", msg)'] },
  { name: 'jupyter.ZmqServer.close', of: (m) => m.jupyter.ZmqServer?.prototype.close, text: ['this.iopub.close()'] },
  { name: 'jupyter.JupyterHandlerImpl', of: (m) => m.jupyter.JupyterHandlerImpl, text: ['this.execCount = 0', 'this.executor = executor', 'lastWriteDisplayData = writeDisplayData'] },
  { name: 'main.startKernel', of: (m) => m.main.startKernel, text: ['executor_1.createExecutor', 'process.on("SIGINT"', 'process.on("uncaughtException"', 'process.on("unhandledRejection"'] },
];

/** Names of internals that are gone or no longer look as expected; empty when the launcher can work. */
function missingInternals(modules) {
  return expectations.filter(({ of, text = [] }) => {
    const found = of(modules);
    return typeof found !== 'function' || text.some((part) => !found.toString().includes(part));
  }).map(({ name }) => name);
}

/** @throws Error naming what is missing and what to do. */
function requireInternals(modules) {
  const missing = missingInternals(modules);
  if (missing.length === 0) return;
  throw new Error(`the notebook kernel cannot start: tslab has no usable ${missing.join(', ')}; install the pinned versions with \`npm ci\``);
}

module.exports = { loadInternals, missingInternals, requireInternals };
