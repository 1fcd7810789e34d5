/** Keeps what came of checking and compiling lib, so that only the first kernel after a change does it. */
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

/**
 * Makes the compiler take from `folder` what was checked and compiled before, and put there what was not. An entry holds
 * a lib file's JavaScript; tslab compiles only what has no error, so it also says that the file has none. It counts as
 * long as the file, every project file it reaches through imports, the npm packages and the options are the same.
 * Cells are always checked and compiled.
 * @param typescript the compiler's module; it is called, not changed.
 * @param root the clone. @param folder of the entries, one a lib file.
 * @returns the functions that tslab is to call instead.
 */
function keepCompiledLib(typescript, root, folder) {
  const builders = new WeakMap(); // by program
  const digests = new WeakMap(); // by source file
  const kept = new Set(); // JavaScript that an entry held
  const emitted = new Map(); // ES modules, and the entries they will be
  // Set-up, too, goes by this file when it asks what is installed.
  const packages = fs.readFileSync(path.join(root, 'node_modules', '.package-lock.json'), 'utf8');

  const isCell = ({ fileName }) => path.dirname(fileName) === root && path.basename(fileName).startsWith('__');
  const isOurs = (source) => source.fileName.startsWith(`${root}/`) && !source.fileName.includes('/node_modules/') && !isCell(source);
  const entryFile = ({ fileName }) => path.join(folder, `${path.relative(root, fileName)}.json`);

  function digestOf(source) {
    if (!digests.has(source)) digests.set(source, sha256([source.text]));
    return digests.get(source);
  }

  function keyOf(builder, source) {
    const reached = builder.getAllDependencies(source).map((name) => builder.getSourceFile(name)).filter((each) => each && isOurs(each));
    const files = reached.map((each) => `${each.fileName} ${digestOf(each)}`).sort();
    return sha256([packages, JSON.stringify(builder.getCompilerOptions()), source.fileName, ...files]);
  }

  /** What was made of the file as it is now; null when nothing was. */
  function entryOf(builder, source) {
    const entry = isOurs(source) ? readEntry(entryFile(source)) : null;
    return entry?.key === keyOf(builder, source) ? entry : null;
  }

  return {
    createProgram(...words) {
      const builder = typescript.createEmitAndSemanticDiagnosticsBuilderProgram(...words);
      builders.set(builder.getProgram(), builder);
      const { emit } = builder;
      builder.emit = (source, write, ...rest) => {
        const entry = entryOf(builder, source);
        if (!entry) {
          return emit(source, (output, text) => {
            if (isOurs(source) && output.endsWith('.js')) emitted.set(text, { file: entryFile(source), key: keyOf(builder, source), output });
            write(output, text);
          }, ...rest);
        }
        kept.add(entry.js);
        write(entry.output, entry.js);
        return { emitSkipped: false, diagnostics: [] };
      };
      return builder;
    },

    getPreEmitDiagnosticsOfFiles(program, sources, ...rest) {
      const builder = builders.get(program);
      return typescript.getPreEmitDiagnosticsOfFiles(program, sources.filter((source) => !entryOf(builder, source)), ...rest);
    },

    /** tslab makes CommonJS of what was emitted, which is what entries hold. */
    transpileModule(text, options) {
      if (kept.has(text)) return { outputText: text, diagnostics: [] };
      const result = typescript.transpileModule(text, options);
      const made = emitted.get(text);
      if (made) writeEntry(made.file, { key: made.key, output: made.output, js: result.outputText });
      return result;
    },
  };
}

/** null when there is none, or none that can be read. */
function readEntry(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** Whole or not at all: other kernels read it. Without it, e.g. on a full disk, the next kernel compiles again. */
function writeEntry(file, entry) {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(temporary, JSON.stringify(entry));
    fs.renameSync(temporary, file);
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}

function sha256(parts) {
  const hash = crypto.createHash('sha256');
  for (const part of parts) hash.update(`${part}\0`);
  return hash.digest('hex');
}

module.exports = { keepCompiledLib };
