/**
 * Runs cells one after another and says honestly how each ended. Against tslab's own handling: errors are real Jupyter
 * `error` messages; an exception that nobody awaited fails the running cell, or the next one; cells stop when a loaded
 * lib file has changed; text is sent in pieces a client can keep up with.
 */
'use strict';
const { setTimeout: delay, setImmediate: nextTurn } = require('node:timers/promises');
const { describe, isInterrupt, message } = require('./errors.cjs');

/** Requests sent together with a failed one (Run All) arrive within this time and are not run. */
const DRAIN_MS = 50;
/** Text is sent when this much has gathered, or this long after it was written. */
const FLUSH_CHARS = 32_768;
const FLUSH_MS = 20;

/** Replaces tslab's execution of cells; `changedFiles` gives the loaded files that are no longer what was loaded. */
function takeOverCells({ executor, jupyter, main }, changedFiles) {
  const state = { running: null, late: [], captured: [], received: 0, abortUpTo: 0, queue: Promise.resolve() };

  const createExecutor = executor.createExecutor;
  executor.createExecutor = (root, converters, log) =>
    createExecutor(root, converters, { ...log, error: (...words) => { state.captured.push(words); } });

  jupyter.ZmqServer.prototype.handleExecute = function handleExecute(socket, request) {
    const ticket = ++state.received;
    const job = state.queue.then(() => answer(this, socket, request, ticket));
    state.queue = job.catch(() => undefined);
    return job;
  };

  async function answer(server, socket, request, ticket) {
    const reply = ticket <= state.abortUpTo ? { status: 'aborted' } : await runCell(server, request);
    if (reply.status === 'error' && request.content.stop_on_error !== false) {
      await delay(DRAIN_MS);
      state.abortUpTo = state.received;
    }
    send(server, socket, request, 'execute_reply', reply);
  }

  async function runCell(server, request) {
    const cell = new Cell(server, request);
    const { handler } = server;
    const count = request.content.silent ? handler.execCount : ++handler.execCount;
    process.stdout.write = (text) => cell.write('stdout', text);
    process.stderr.write = (text) => cell.write('stderr', text);
    jupyter.lastWriteDisplayData = (content, update) => cell.display(content, update);
    if (!request.content.silent) cell.publish('execute_input', { code: request.content.code, execution_count: count });
    state.running = cell;
    // Whatever happens, a reply is sent: without one the client waits for ever.
    const error = await failureOf(handler.executor, request.content.code)
      .catch((thrown) => describe([[thrown]], request.content.code, process.cwd()));
    state.running = null;
    cell.flush();
    if (!error) return { status: 'ok', execution_count: count, payload: [], user_expressions: {} };
    cell.publish('error', error);
    return { status: 'error', execution_count: count, ...error };
  }

  /** null when the cell ran to its end. */
  async function failureOf(kernel, code) {
    const changed = changedFiles();
    if (changed.length > 0) return message('StaleLibrary', `${changed.join(', ')} changed since it was loaded: restart the kernel`);
    if (state.late.length > 0) return lateError('something an earlier cell had started failed after the cell was over', code);
    state.captured = [];
    const ok = await kernel.execute(code);
    await nextTurn(); // rejections that nobody handles are known only after the promise queue has run dry
    if (state.late.length > 0) return lateError('something this cell had started failed while nobody awaited it', code);
    if (ok) return null;
    // A synchronous stretch is interrupted without the SIGINT listeners being told, among them the one that stops daemons.
    if (state.captured[0]?.[0]?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') process.emit('SIGINT', 'SIGINT');
    return describe(state.captured, code, process.cwd());
  }

  function lateError(why, code) {
    const error = describe([[state.late[0]]], code, process.cwd());
    state.late = [];
    return { ...error, evalue: `${error.evalue} (${why})`, traceback: [...error.traceback, why] };
  }

  const startKernel = main.startKernel;
  main.startKernel = (options) => {
    startKernel(options);
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      process.removeAllListeners(event); // tslab's print and go on
      process.on(event, (error) => {
        if (isInterrupt(error)) return;
        state.late.push(error);
        if (state.running) state.running.end();
      });
    }
  };

  /** What lib/report uses to show things; see lib/report/kernel.ts. */
  globalThis[Symbol.for('sidecar-workbench.kernel')] = {
    display: (content, update) => jupyter.lastWriteDisplayData(content, update),
  };
}

/** Where one cell's output goes; what it prints after its end still goes there. */
class Cell {
  constructor(server, request) {
    this.server = server;
    this.request = request;
    this.pending = { name: 'stdout', text: '' };
    this.timer = null;
    this.decoder = new TextDecoder();
  }

  write(name, text) {
    if (name !== this.pending.name) this.flush();
    this.pending.name = name;
    this.pending.text += typeof text === 'string' ? text : this.decoder.decode(text, { stream: true });
    if (this.pending.text.length >= FLUSH_CHARS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
    return true;
  }

  display(content, update) {
    this.flush();
    this.publish(update ? 'update_display_data' : 'display_data', content);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = null;
    const { name, text } = this.pending;
    this.pending.text = '';
    if (text) this.publish('stream', { name, text });
  }

  publish(type, content) {
    send(this.server, this.server.iopub, this.request, type, content);
  }

  /** Ends the wait for the cell's own promise. */
  end() {
    this.server.handler.executor.interrupt();
  }
}

function send(server, socket, request, type, content) {
  const reply = request.createReply();
  reply.header.msg_type = type;
  reply.content = content;
  reply.signAndSend(server.connInfo.key, socket);
}

module.exports = { takeOverCells };
