/**
 * Starts the notebook kernel: tslab, mended where it would lose output, hide errors or check too little.
 *
 * Usage (by Jupyter, see install.mjs): node launcher.cjs CONNECTION_FILE
 */
'use strict';
const path = require('node:path');
const { loadInternals, requireInternals } = require('./internals.cjs');
const { queueSends } = require('./transport.cjs');
const { mendCompiler, watchLoadedFiles } = require('./compiler.cjs');
const { takeOverCells } = require('./cells.cjs');

// tslab resolves imports below its working folder only, and Jupyter starts kernels in the notebook's folder.
process.chdir(path.join(__dirname, '..', '..'));

const compiler = loadInternals(['typescript']).typescript;
mendCompiler(compiler, process.cwd()); // before tslab's own modules are loaded: they copy the compiler's exports
const internals = loadInternals();
requireInternals(internals);
queueSends(internals.zmq, internals.jupyter.ZmqServer);
const loadedFiles = watchLoadedFiles(compiler, internals.executor, process.cwd());
takeOverCells(internals, loadedFiles);
internals.main.startKernel({ configPath: process.argv[2], enableFindLocal: false, jsKernel: false, globalVersion: '' });

// Jupyter, too, can be killed; nothing that a cell has started may outlive it. Ending by `exit` stops the daemons.
const parent = process.ppid;
setInterval(() => { if (process.ppid !== parent) process.exit(1); }, 1000).unref();
