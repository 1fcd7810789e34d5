/** The kernel's TypeScript: strict for cells and lib alike, and aware of which lib files have been loaded. */
'use strict';
const path = require('node:path');
const { keepCompiledLib } = require('./compiled-lib.cjs');

/**
 * Adds `strict` to the options that tslab fixes, and keeps the compiler alive while files change around it. tslab takes
 * the compiler's functions from its module, so the module in the cache is replaced by a copy.
 */
function mendCompiler(typescript, root) {
  const cached = Object.values(require.cache).find((module) => module?.exports === typescript);
  if (!cached) throw new Error("the notebook kernel cannot start: its compiler is not in Node's module cache");
  const keeping = keepCompiledLib(typescript, root, path.join(root, '.workbench', 'cache', 'kernel'));
  cached.exports = {
    ...typescript,
    createWatchCompilerHost(files, options, system, _createProgram, ...rest) {
      // alwaysStrict contradicts tslab's noImplicitUseStrict. Of the packages that declare global types, lib uses Node's.
      const ours = { ...options, strict: true, alwaysStrict: false, types: ['node'] };
      const host = typescript.createWatchCompilerHost(files, ours, system, keeping.createProgram, ...rest);
      separateTimers(host);
      return host;
    },
    transpileModule: keeping.transpileModule,
    // Of a message in several parts tslab forgets the file name.
    getPreEmitDiagnosticsOfFiles: (...words) => keeping.getPreEmitDiagnosticsOfFiles(...words).map((diagnostic) => (
      { ...diagnostic, messageText: typescript.flattenDiagnosticMessageText(diagnostic.messageText, '\n') })),
  };
}

/**
 * tslab has one slot for the compiler's timers, which it fires when a cell runs, and throws when a second is set. But
 * there are two: files that come or go below the clone set another, and the next cell failed with an internal error.
 */
function separateTimers(host) {
  const { setTimeout: setRebuild, clearTimeout: clearRebuild } = host;
  const others = new Set();
  host.setTimeout = (callback, ms, ...rest) => {
    if (callback.name === 'updateProgramWithWatchStatus') return setRebuild(callback, ms, ...rest);
    const timer = setTimeout(callback, ms, ...rest);
    others.add(timer);
    return timer;
  };
  host.clearTimeout = (timer) => {
    if (!others.delete(timer)) return clearRebuild(timer);
    return clearTimeout(timer);
  };
}

/**
 * Remembers the text of every project file the kernel has run. An edited file would be loaded anew only when a cell
 * imports it directly; reached through another file it silently keeps its old code, so cells must not go on.
 * @returns a function giving the loaded files, relative to `root`, whose text on disk is no longer what was loaded.
 */
function watchLoadedFiles(typescript, executor, root) {
  const readFile = typescript.sys.readFile;
  const textRead = new Map();
  const textLoaded = new Map();
  typescript.sys.readFile = (file, encoding) => {
    const text = readFile(file, encoding);
    if (file.startsWith(root) && !file.includes('/node_modules/')) textRead.set(file, text);
    return text;
  };

  const createExecutor = executor.createExecutor;
  executor.createExecutor = (rootDir, converters, log) => {
    const converter = converters.node;
    const convert = converter.convert;
    converter.convert = (declarations, source) => {
      const converted = convert(declarations, source);
      for (const { path: output } of converted.sideOutputs ?? []) {
        const file = [output.replace(/\.js$/, '.ts'), output].find((name) => textRead.has(name));
        if (file) textLoaded.set(file, textRead.get(file));
      }
      return converted;
    };
    return createExecutor(rootDir, converters, log);
  };

  return () => [...textLoaded].filter(([file, text]) => readFile(file) !== text).map(([file]) => path.relative(root, file));
}

module.exports = { mendCompiler, watchLoadedFiles };
