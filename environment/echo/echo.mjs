/**
 * Stand-in for echo.py on machines where socketify's native library does not load: same routes, same report, and the
 * same head of an answer, byte for byte but for the date, since the sidecar parses it. Every figure measured with it
 * names it.
 */
import * as http from 'node:http';

const DEFAULT_BYTES = 100;
const MAX_BYTES = 64 * 1024 * 1024;
const bodies = new Map();

function body(size) {
  if (!bodies.has(size)) {
    if (bodies.size >= 64) bodies.clear();
    bodies.set(size, Buffer.alloc(size, 'x'));
  }
  return bodies.get(size);
}

function send(response, content, { status = 200, headers = [] } = {}) {
  response.sendDate = false;
  response.removeHeader('connection'); // Node would say keep-alive, uWebSockets does not
  response.writeHead(status, [...headers, 'Date', new Date().toUTCString(), 'Server', 'uWebSockets_20', 'Content-Length', content.length]);
  response.end(content);
}

function answer(request, response) {
  const asked = request.url.slice(1);
  if (asked === 'headers') {
    const raw = request.rawHeaders;
    const names = raw.filter((_, i) => i % 2 === 0);
    const pairs = Buffer.from(JSON.stringify(names.map((name, i) => [name.toLowerCase(), raw[2 * i + 1]])));
    return send(response, pairs, { headers: ['content-type', 'application/json'] });
  }
  const size = asked === '' ? DEFAULT_BYTES : Number(asked);
  if (!Number.isInteger(size) || size < 0 || size > MAX_BYTES) {
    return send(response, Buffer.from(`ask for /N with 0 <= N <= ${MAX_BYTES}, not "/${asked}"`), { status: 400 });
  }
  send(response, body(size));
}

// Envoy keeps its upstream connections open; a server that closes idle ones after 5 s would show up as resets.
const server = http.createServer({ keepAliveTimeout: 0 }, answer);
const [port = 0] = process.argv.slice(2).map(Number);
server.listen(port, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port, name: 'node', version: process.versions.node }));
});
