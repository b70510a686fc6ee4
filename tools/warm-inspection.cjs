// For the code cache: requests by TLS through the proxy of a sandbox that looks at them, all in this process. The caller is
// this process itself, the server a listener of its own on loopback.
const { readlinkSync, statSync } = require('node:fs');
const https = require('node:https');
const net = require('node:net');
const { resolve } = require('node:path');
const tls = require('node:tls');

const HOST = 'example.test';
const PROXY_PORT = 3128;
const STREAM = 1;
const REQUESTS = 30;
const rule = (method, path) => ({ index: 0, line: 1, method, path, query: [] });
const EGRESS = {
  mode: 'proxy',
  proxyPort: PROXY_PORT,
  pin: 'connect',
  policies: [
    {
      key: 'example',
      name: 'example',
      index: 0,
      line: 1,
      binaries: [{ pattern: '/**', resolved: null, ancestors: true, sha256: null }],
      endpoints: [
        {
          index: 0,
          line: 1,
          host: HOST,
          hostKind: 'name',
          ports: [443],
          allowedIps: [],
          transport: 'tcp',
          inspection: {
            protocol: 'rest',
            tls: 'terminate',
            enforcement: 'enforce',
            allowEncodedSlash: false,
            path: null,
            allow: [rule('GET', '/v1/**'), rule('POST', '/v1/items')],
            deny: [rule('*', '/v1/keys/**')],
            messages: null,
          },
        },
      ],
    },
  ],
};

const listening = (server) =>
  new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));

/** @param dist where the bundles are */
exports.warmInspection = async (dist) => {
  const { makeTrust } = require(resolve(dist, 'trust.cjs'));
  const { parseConnectTo } = require(resolve(dist, 'operator.cjs'));
  const { Mediation } = require(resolve(dist, 'network.cjs'));
  const trust = makeTrust([]);
  const context = await trust.authority.leafFor(HOST);
  const origin = https.createServer(
    { SNICallback: (_name, done) => done(null, context) },
    (request, response) => {
      request.resume().on('end', () => response.end('{}'));
    },
  );
  const originPort = await listening(origin);
  const { promise: admitted, resolve: admit } = withResolvers();
  const mediation = new Mediation({
    plan: { tier: 'namespaces', egress: EGRESS },
    egress: EGRESS,
    guard: null,
    launcher: { verdict: admit, datagrams() {}, deliver() {}, keepOnly() {} },
    connectTo: [parseConnectTo(`${HOST}:443:127.0.0.1:${originPort}`).value],
    credentials: null,
    trust: { ...trust, upstream: [...trust.upstream, trust.authority.caPem] },
    emit() {},
  });
  const listener = net.createServer();
  const port = await listening(listener);
  mediation.serve(listener._handle);
  void mediation.open({
    kind: 'open',
    id: 1n,
    socketType: STREAM,
    sends: false,
    address: Uint8Array.of(127, 0, 0, 1),
    port: PROXY_PORT,
    process: { pid: process.pid, executables: [ownExecutable()] },
  });
  await admitted;
  const socket = net.connect(port, '127.0.0.1');
  await new Promise((done) => socket.once('connect', done));
  mediation.peer({ kind: 'peer', id: 1n, port: socket.localPort, address: Uint8Array.of(127, 0, 0, 1) });
  socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
  await new Promise((done) => socket.once('data', done));
  const secure = tls.connect({ socket, servername: HOST, ca: trust.authority.caPem });
  await new Promise((done) => secure.once('secureConnect', done));
  for (let i = 0; i < REQUESTS; i += 1) {
    secure.write(`GET /v1/x${i} HTTP/1.1\r\nHost: ${HOST}\r\nAccept: */*\r\n\r\n`);
    await new Promise((done) => secure.once('data', done));
  }
  secure.destroy();
  await mediation.close();
  origin.closeAllConnections();
  origin.close();
};

function ownExecutable() {
  const path = readlinkSync('/proc/self/exe');
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return { path, pid: process.pid, dev, ino, size, mtimeNs, ctimeNs, deleted: false };
}

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
