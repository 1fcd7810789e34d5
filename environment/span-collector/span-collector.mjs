/**
 * Takes in spans as a Zipkin server does (POST /api/v2/spans, a JSON list) and keeps nothing but their number: whether a mesh
 * really sends what it samples. `GET /counts` tells it: spans in all and by the service that sent them, and the bytes they took.
 *
 * Usage: span-collector.mjs PORT    prints {"listening":PORT} once it does
 */
import * as http from 'node:http';

const counts = { spans: 0, bytes: 0, services: {} };

function count(text) {
  const spans = JSON.parse(text);
  counts.spans += spans.length;
  counts.bytes += Buffer.byteLength(text);
  for (const { localEndpoint } of spans) {
    const name = localEndpoint?.serviceName ?? 'unknown';
    counts.services[name] = (counts.services[name] ?? 0) + 1;
  }
}

function answer(request, response, text) {
  if (request.method === 'GET' && request.url === '/counts') return response.end(JSON.stringify(counts));
  if (request.method !== 'POST' || request.url !== '/api/v2/spans') return response.writeHead(404).end();
  try {
    count(text);
    response.writeHead(202).end();
  } catch (error) {
    response.writeHead(400).end(`not a list of spans: ${error.message}`);
  }
}

const port = Number(process.argv[2]);
http.createServer({ keepAliveTimeout: 0 }, (request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => answer(request, response, text));
}).listen(port, '0.0.0.0', () => console.log(JSON.stringify({ listening: port })));
