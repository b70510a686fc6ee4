import { cpSync } from 'node:fs';
import { createServer as createPlain, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { OpenshellEvent } from '../../src/event/event.ts';
import { type Certificate, makeCertificate } from './support/certificate.ts';
import { because, missing, node, nodeOptions } from './support/host.ts';
import { eventsOf, openshell, PACKAGE } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';

const lacking = missing('openssl');
const scratch = useScratch();
let certificate: Certificate;
let secure: Server;
let plain: Server;
/** What reached the server: `path message`. */
const reached: string[] = [];

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Greets, and says everything twice; compresses when asked. */
function echo(server: Server): void {
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => [...offered][0] ?? false,
    verifyClient: ({ req }, done) => done(req.url !== '/chat/locked', 401, 'Unauthorized'),
  });
  sockets.on('connection', (socket, { url, headers }) => {
    socket.on('error', () => undefined);
    socket.on('message', (data, isBinary) => {
      reached.push(`${url} ${isBinary ? 'binary' : 'text'} ${String(data).slice(0, 20)}`);
      socket.send(data, { binary: isBinary });
    });
    socket.on('close', (code) => reached.push(`${url} close ${code}`));
    socket.send(`hello ${headers.origin ?? 'nobody'}`);
  });
}

beforeAll(async () => {
  if (lacking.length > 0) return;
  certificate = makeCertificate(scratch, ['ws.test', 'audit.test', 'full.test', 'rest.test', 'graphql.test']);
  secure = createServer(certificate) as unknown as Server;
  plain = createPlain();
  for (const server of [secure, plain]) {
    echo(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
  cpSync(join(PACKAGE, 'node_modules/ws'), join(scratch.project, 'node_modules/ws'), { recursive: true });
});
afterAll(() => {
  for (const server of [secure, plain]) {
    server?.closeAllConnections();
    server?.close();
  }
});

/** Inside: connects, sends what it is told to, and writes down what it sees, one JSON text a line. */
const CLIENT = `
import http from 'node:http';
import tls from 'node:tls';
import WebSocket from 'ws';
const tunnel = (url) => new Promise((resolve, reject) => {
  const proxy = new URL(process.env.HTTPS_PROXY);
  const asked = http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: url.hostname + ':443' });
  asked.on('error', reject).on('connect', (answer, socket) => resolve(tls.connect({ socket, servername: url.hostname, ALPNProtocols: ['http/1.1'] }))).end();
});
for (const { url, send, proxy = false, options = {}, protocols = [] } of JSON.parse(process.argv[2])) {
  const seen = [];
  const socket = proxy ? await tunnel(new URL(url)) : null;
  const ws = new WebSocket(url, protocols, { ...options, ...(socket ? { createConnection: () => socket } : {}) });
  const rest = send.map((one) => (one.binary ? Buffer.from(one.binary) : one.repeat ? one.text.repeat(one.repeat) : one.text));
  const next = () => (rest.length > 0 ? ws.send(rest.shift()) : ws.close(1000));
  ws.on('open', () => seen.push('open ' + ws.protocol + ' ' + ws.extensions));
  ws.on('message', (data, isBinary) => { seen.push((isBinary ? 'binary ' : 'text ') + (data.length > 100 ? data.length : data)); next(); });
  ws.on('unexpected-response', (_, answer) => {
    let body = '';
    answer.on('data', (part) => { body += part; }).on('end', () => { seen.push('status ' + answer.statusCode); if (body[0] === '{') seen.push(JSON.parse(body).code, JSON.parse(body).reason); ws.terminate(); });
  });
  ws.on('error', () => {});
  await new Promise((resolve) => ws.on('close', (code, reason) => { seen.push('close ' + code + ' ' + reason); resolve(); }));
  console.log(JSON.stringify(seen));
}
`;

interface Attempt {
  readonly url: string;
  readonly send: readonly ({ text: string; repeat?: number } | { binary: string })[];
  readonly proxy?: boolean;
  readonly protocols?: readonly string[];
  readonly options?: object;
}

let runs = 0;

async function talk(attempts: readonly Attempt[]): Promise<{ seen: string[][]; events: OpenshellEvent[] }> {
  runs += 1;
  const log = join(scratch.root, `websocket-events-${runs}`);
  const script = scratch.write('home/project/client.mjs', CLIENT);
  const rules = (...paths: [string, string][]): string =>
    `[${paths.map(([method, path]) => `{ allow: { method: ${method}, path: ${path} } }`).join(', ')}]`;
  const policy = scratch.policy(
    `version: 1
network_policies:
  chat:
    endpoints:
      - host: ws.test
        ports: [80, 443]
        protocol: websocket
        rules: ${rules(['GET', '/chat/**'], ['WEBSOCKET_TEXT', '/chat/talk'])}
        deny_rules: [{ method: WEBSOCKET_TEXT, path: /chat/*, query: { room: closed } }]
      - { host: audit.test, port: 443, protocol: websocket, access: read-only, enforcement: audit }
      - { host: full.test, port: 443, protocol: websocket, access: full }
      - host: graphql.test
        port: 443
        protocol: websocket
        rules:
          - allow: { method: GET, path: /graphql }
          - allow: { operation_type: subscription, fields: [news] }
      - { host: rest.test, port: 443, protocol: rest, access: full, enforcement: audit }
    binaries: [{ path: "${node}" }]
`,
    `websocket-policy-${runs}.yaml`,
  );
  const pins = ['ws.test', 'audit.test', 'full.test', 'rest.test', 'graphql.test'].map(
    (name) => `${name}:443:127.0.0.1:${portOf(secure)}`,
  );
  const finished = await openshell(
    [
      ...['run', ...nodeOptions, '--policy', policy, '--events', log, '--upstream-ca', certificate.authority],
      ...[...pins, `ws.test:80:127.0.0.1:${portOf(plain)}`].flatMap((pin) => ['--connect-to', pin]),
      ...['--', 'node', script, JSON.stringify(attempts)],
    ],
    { cwd: scratch.project, home: scratch.home },
  );
  expect(finished.stderr.replace(/^openshell: refused: .*\n/gm, '')).toBe('');
  const seen = finished.stdout
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as string[]]));
  return { seen, events: eventsOf(log).filter(({ subject }) => subject.kind === 'request') };
}

const told = (events: readonly OpenshellEvent[]): string[] =>
  events.map(({ action, reason, subject }) => {
    const { method, host, path } = subject as { method: string; host: string; path: string };
    return `${action} ${reason} ${method} ${host}${path}`;
  });

describe.skipIf(lacking.length > 0)(`the ws client and server${because(lacking)}`, () => {
  it('talk in text where the rules allow it, compressed, past the proxy and through it, with TLS and without', async () => {
    reached.length = 0;
    const send = [{ text: 'hi' }, { text: 'many words ', repeat: 100_000 }];
    const { seen, events } = await talk([
      { url: 'wss://ws.test/chat/talk', send, protocols: ['v2', 'v1'] },
      { url: 'wss://ws.test/chat/talk', send, proxy: true, options: { origin: 'https://a.test' } },
      { url: 'ws://ws.test/chat/talk', send, options: { perMessageDeflate: false } },
    ]);
    const heard = ['text hi', 'text 1100000', 'close 1000 '];
    expect(seen).toEqual([
      ['open v2 permessage-deflate', 'text hello nobody', ...heard],
      ['open  permessage-deflate', 'text hello https://a.test', ...heard],
      ['open  ', 'text hello nobody', ...heard],
    ]);
    expect(reached.slice(0, 3)).toEqual([
      '/chat/talk text hi',
      '/chat/talk text many words many word',
      '/chat/talk close 1000',
    ]);
    expect(told(events).slice(0, 2)).toEqual([
      'allow allowed GET ws.test/chat/talk',
      'allow allowed WEBSOCKET_TEXT ws.test/chat/talk',
    ]);
    expect(events).toHaveLength(6);
  });

  it('hear close code 1008 when a message is not allowed, and the server never sees it', async () => {
    reached.length = 0;
    const { seen, events } = await talk([
      { url: 'wss://ws.test/chat/listen', send: [{ text: 'hi' }] },
      { url: 'wss://ws.test/chat/talk?room=closed', send: [{ text: 'hi' }] },
      { url: 'wss://ws.test/chat/talk', send: [{ text: 'hi' }, { binary: 'bytes' }] },
    ]);
    const closed = (code: string) => expect.stringMatching(new RegExp(`^close 1008 OSH-EGR-0${code} `));
    expect(seen).toEqual([
      ['open  permessage-deflate', 'text hello nobody', closed('22')],
      ['open  permessage-deflate', 'text hello nobody', closed('23')],
      ['open  permessage-deflate', 'text hello nobody', 'text hi', closed('22')],
    ]);
    expect(reached.filter((line) => !line.includes('close'))).toEqual(['/chat/talk text hi']);
    expect(told(events).filter((line) => line.startsWith('deny'))).toEqual([
      'deny request_not_allowed WEBSOCKET_TEXT ws.test/chat/listen',
      'deny request_denied_by_rule WEBSOCKET_TEXT ws.test/chat/talk',
      'deny request_not_allowed WEBSOCKET_BINARY ws.test/chat/talk',
    ]);
  });

  it('get an answer of HTTP when the request is refused, by a rule, by the protocol of the endpoint or by the server', async () => {
    const { seen, events } = await talk([
      { url: 'wss://ws.test/other', send: [] },
      { url: 'wss://rest.test/', send: [] },
      { url: 'wss://ws.test/chat/locked', send: [] },
      { url: 'wss://ws.test/chat/talk', send: [], options: { protocolVersion: 8 } },
    ]);
    expect(seen.map((lines) => lines.slice(0, 2))).toEqual([
      ['status 403', 'OSH-EGR-022'],
      ['status 403', 'OSH-EGR-022'],
      ['status 401', 'close 1006 '],
      ['status 400', 'OSH-EGR-014'],
    ]);
    expect(seen[1]![2]).toContain('protocol: websocket');
    // Refusals are held for a moment, to be counted together.
    expect(told(events).sort()).toEqual([
      'allow allowed GET ws.test/chat/locked',
      'deny malformed_request GET ws.test/chat/talk',
      'deny request_not_allowed GET rest.test/',
      'deny request_not_allowed GET ws.test/other',
    ]);
  });

  it('talk on where an endpoint only audits, and in binary where everything is allowed', async () => {
    const { seen, events } = await talk([
      { url: 'wss://audit.test/any', send: [{ text: 'hi' }, { binary: 'bytes' }] },
      { url: 'wss://full.test/any', send: [{ text: 'hi' }, { binary: 'bytes' }] },
    ]);
    const heard = ['text hi', 'binary bytes', 'close 1000 '];
    expect(seen.map((lines) => lines.slice(2))).toEqual([heard, heard]);
    expect(told(events).sort()).toEqual([
      'allow allowed GET audit.test/any',
      'allow allowed GET full.test/any',
      'allow allowed WEBSOCKET_BINARY full.test/any',
      'allow allowed WEBSOCKET_TEXT full.test/any',
      'audit request_not_allowed WEBSOCKET_BINARY audit.test/any',
      'audit request_not_allowed WEBSOCKET_TEXT audit.test/any',
    ]);
  });

  it('subscribe by GraphQL to what the rules allow, and to nothing else', async () => {
    const subscribe = (query: string) => ({
      text: JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }),
    });
    const init = { text: JSON.stringify({ type: 'connection_init' }) };
    const url = 'wss://graphql.test/graphql';
    const protocols = ['graphql-transport-ws'];
    const allowed = subscribe('subscription { news { title } }');
    const { seen, events } = await talk([
      { url, protocols, send: [init, allowed] },
      { url, protocols, send: [init, subscribe('subscription { n: secrets }')] },
    ]);
    expect(seen).toEqual([
      [
        'open graphql-transport-ws permessage-deflate',
        'text hello nobody',
        `text ${init.text}`,
        `text ${allowed.text}`,
        'close 1000 ',
      ],
      [
        'open graphql-transport-ws permessage-deflate',
        'text hello nobody',
        `text ${init.text}`,
        expect.stringMatching(/^close 1008 OSH-EGR-022 .*secrets/),
      ],
    ]);
    expect(told(events).sort()).toEqual([
      'allow allowed GET graphql.test/graphql',
      'allow allowed GET graphql.test/graphql',
      'allow allowed WEBSOCKET_TEXT graphql.test/graphql',
      'deny request_not_allowed WEBSOCKET_TEXT graphql.test/graphql',
    ]);
  });
});
