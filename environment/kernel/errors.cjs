/** What a failed cell says: the name, one sentence, and where; without this clone's absolute paths. */
'use strict';
const { inspect } = require('node:util');

/** tslab reports an interrupt as one of these two errors. */
function isInterrupt(error) {
  return error?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED' || error?.message === 'Interrupted asynchronously';
}

/**
 * @param captured what tslab gave to `console.error`: a thrown value, or a format and the fields of a compiler message.
 * @param code the cell's text, to quote the offending line.
 * @returns ename, evalue, traceback of Jupyter's `error` message.
 */
function describe(captured, code, root) {
  const diagnostics = captured.filter(([format]) => format === '%s%d:%d - %s').map(([, ...fields]) => fields);
  if (diagnostics.length > 0) return describeDiagnostics(diagnostics, code);
  const [thrown] = captured[0] ?? [new Error('the kernel gave no reason')];
  if (isInterrupt(thrown)) return message('Interrupted', 'the cell was interrupted, and the programs it had started were stopped');
  return describeThrown(thrown, root);
}

function describeDiagnostics(diagnostics, code) {
  const lines = code.split('\n');
  const texts = diagnostics.map(([file, line, column, text]) => {
    const quoted = file ? '' : `\n    ${lines[line - 1] ?? ''}\n    ${' '.repeat(column - 1)}^`;
    return `${file}${line}:${column} - ${text}${quoted}`;
  });
  return { ename: 'TypeScript', evalue: texts[0].split('\n')[0], traceback: ['TypeScript rejects this cell:', ...texts] };
}

function describeThrown(thrown, root) {
  if (!(thrown instanceof Error)) return message('Thrown', clean(typeof thrown === 'string' ? thrown : inspect(thrown), root));
  const causes = [];
  for (let cause = thrown.cause; cause instanceof Error && causes.length < 5; cause = cause.cause) causes.push(`caused by ${cause.name}: ${cause.message}`);
  const { ename, evalue } = message(thrown.name || 'Error', clean(thrown.message, root));
  return { ename, evalue, traceback: [`${ename}: ${evalue}`, ...causes, ...framesInLib(thrown, root)].map((line) => clean(line, root)) };
}

/** Frames of our own code only. The files named are the compiled ones, whose line numbers differ, so they are left out. */
function framesInLib(error, root) {
  return (error.stack ?? '').split('\n')
    .filter((line) => line.startsWith('    at ') && line.includes(`${root}/`) && !/node_modules|environment\/kernel|__tslab__/.test(line))
    .map((line) => line.replace(/\.js:\d+:\d+/, '.ts'));
}

function clean(text, root) {
  return text.replaceAll(`${root}/`, '');
}

function message(ename, evalue) {
  return { ename, evalue, traceback: [`${ename}: ${evalue}`] };
}

module.exports = { describe, isInterrupt, message };
