/**
 * No output is lost. tslab never awaits its sends, but a ZeroMQ socket in Node accepts only one at a time once its
 * buffer is full: beyond some 500 outputs in one stretch everything after, the end-of-cell message included, was dropped.
 */
'use strict';

/** Makes every send wait for the one before it, and lets the output socket buffer without limit. */
function queueSends(zmq, ZmqServer) {
  for (const Socket of [zmq.Publisher, zmq.Router]) {
    const send = Socket.prototype.send;
    const tails = new WeakMap();
    // zeromq defines `send` read-only, hence defineProperty.
    Object.defineProperty(Socket.prototype, 'send', {
      configurable: true,
      value(message) {
        const sent = (tails.get(this) ?? Promise.resolve())
          .then(() => send.call(this, message))
          .catch((error) => { if (!this.closed) process.stderr.write(`kernel message lost: ${error.message}\n`); });
        tails.set(this, sent);
        return sent;
      },
    });
    Socket.prototype.sent = function sent() { return tails.get(this) ?? Promise.resolve(); };
  }

  // Jupyter picks TCP ports seconds before the kernel binds them; a load generator's connections may take one meanwhile.
  // Sockets in the file system have no such race, but tslab spells TCP addresses only.
  ZmqServer.prototype.bindSocket = function bind(socket, port) {
    const { transport, ip } = this.connInfo;
    if (socket instanceof zmq.Publisher) socket.sendHighWaterMark = 0; // must be set before bind
    return socket.bind(`${transport}://${ip}${transport === 'ipc' ? '-' : ':'}${port}`);
  };

  const init = ZmqServer.prototype.init;
  ZmqServer.prototype.init = function initOrEnd() {
    return init.call(this).catch((error) => {
      process.stderr.write(`the notebook kernel cannot listen: ${error.message}\n`);
      process.exit(1); // so that Jupyter says the kernel died, instead of waiting for it
    });
  };

  // tslab closes its sockets under the last messages; and a browser kept for drawing would keep the process alive.
  const close = ZmqServer.prototype.close;
  ZmqServer.prototype.close = function closeWhenSent() {
    Promise.all([this.iopub.sent(), this.shell.sent(), this.control.sent()]).then(() => {
      close.call(this);
      process.exit(0);
    });
  };
}

module.exports = { queueSends };
