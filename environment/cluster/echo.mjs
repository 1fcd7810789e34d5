/** A pod's service for tests of the cluster: answers with the method, path and headers of what it was asked, as JSON. */
import * as http from 'node:http';

http.createServer(({ method, url, headers }, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, headers }));
}).listen(8080, '0.0.0.0');

process.on('SIGTERM', () => process.exit(0));
