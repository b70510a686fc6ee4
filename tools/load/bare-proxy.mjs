// The least that ends TLS and asks again: `node:http` on a TLSSocket, `undici` with verified kept connections, twenty rules
// looked through, and nothing else. What the proxy costs is compared with this (tools/bench-inspected.mjs).
// `node tools/load/bare-proxy.mjs CERT KEY PORT`: prints its own port; every host is 127.0.0.1:PORT.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureContext, TLSSocket } from 'node:tls';
import { Pool } from 'undici';

const [certFile, keyFile, port] = process.argv.slice(2);
const cert = readFileSync(certFile);
const secureContext = createSecureContext({ cert, key: readFileSync(keyFile) });
const pool = new Pool(`https://127.0.0.1:${port}`, {
  connections: 64,
  connect: { ca: cert, servername: 'bench.test' },
});
const rules = Array.from(
  { length: 20 },
  (_, i) => new RegExp(i === 19 ? '^/v1/.*$' : `^/v2/part${i}/[^/]*/x$`),
);

const inspected = createServer((request, response) => {
  if (!rules.some((rule) => rule.test(request.url))) {
    response.writeHead(403).end();
    return;
  }
  const { method, url: path, headers } = request;
  let handed;
  pool.dispatch(
    { method, path, headers, body: method === 'GET' ? null : request },
    {
      onConnect() {},
      onHeaders(status, rawHeaders, resume) {
        handed = resume;
        response.writeHead(
          status,
          rawHeaders.map((one) => one.toString('latin1')),
        );
        return true;
      },
      onData(chunk) {
        if (response.write(chunk)) return true;
        response.once('drain', handed);
        return false;
      },
      onComplete() {
        response.end();
      },
      onError() {
        response.destroy();
      },
    },
  );
});

const front = createServer();
front.on('connect', (_request, socket) => {
  socket.write('HTTP/1.1 200 OK\r\n\r\n');
  inspected.emit('connection', new TLSSocket(socket, { isServer: true, secureContext }));
});
front.listen(0, '127.0.0.1', () => console.log(front.address().port));
