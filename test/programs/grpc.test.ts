/** A real gRPC client and server (@grpc/grpc-js): every kind of call, past the proxy and through it, and what is refused. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from './support/certificate.ts';
import { because, missing, nodeOptions } from './support/host.ts';
import { eventsOf, openshell, PACKAGE } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';

const lacking = missing('openssl');
const scratch = useScratch();
const server = new Server();
let options: string[] = [];

const POLICY = `version: 1
network_policies:
  echo:
    endpoints:
      - host: grpc.test
        port: 443
        protocol: grpc
        rules:
          - allow: { service: echo.Echo, method: "*" }
        deny_rules:
          - { service: echo.Echo, method: Drop }
    binaries: [{ path: "/**" }]
`;

type Unary = ServerUnaryCall<string, string>;
type Done = sendUnaryData<string>;

const METHODS = {
  Say: [false, false],
  Count: [false, true],
  Sum: [true, false],
  Chat: [true, true],
  Drop: [false, false],
  Fail: [false, false],
} as const;
const text = {
  serialize: (value: string) => Buffer.from(value),
  deserialize: (bytes: Buffer) => String(bytes),
};
const SERVICE: ServiceDefinition = Object.fromEntries(
  Object.entries(METHODS).map(([name, [requestStream, responseStream]]) => [
    name,
    {
      path: `/echo.Echo/${name}`,
      requestStream,
      responseStream,
      requestSerialize: text.serialize,
      requestDeserialize: text.deserialize,
      responseSerialize: text.serialize,
      responseDeserialize: text.deserialize,
    },
  ]),
);

/** The same, in a module for the sandbox. */
const CLIENT = `
import { createRequire } from 'node:module';
const grpc = createRequire(${JSON.stringify(`${PACKAGE}/`)})('@grpc/grpc-js');
const text = (bytes) => String(bytes);
const service = Object.fromEntries(Object.entries(${JSON.stringify(METHODS)}).map(([name, [requestStream, responseStream]]) => [name, {
  path: '/echo.Echo/' + name, requestStream, responseStream,
  requestSerialize: Buffer.from, requestDeserialize: text, responseSerialize: Buffer.from, responseDeserialize: text,
}]));
const Client = grpc.makeGenericClientConstructor(service, 'Echo');
const client = new Client('grpc.test:443', grpc.credentials.createSsl());
const metadata = new grpc.Metadata();
metadata.set('x-own', 'yes');
const unary = (name, message) => new Promise((resolve) => {
  const call = client[name](message, metadata, (error, answer) => { call.outcome = error === null ? answer : error.code + ' ' + error.details; });
  call.on('status', (status) => setImmediate(() => resolve(call.outcome + ' | ' + (status.metadata.get('x-trailer')[0] ?? '-'))));
});
const collected = async (call) => { const parts = []; for await (const part of call) parts.push(part); return parts.join(); };
console.log(await unary('Say', 'hello'));
console.log(await collected(client.Count('3', metadata)));
console.log(await new Promise((resolve) => {
  const call = client.Sum(metadata, (error, answer) => resolve(error === null ? answer : error.code));
  for (const number of [1, 2, 3]) call.write(String(number));
  call.end();
}));
const chat = client.Chat(metadata);
const heard = [];
for (const word of ['a', 'b', 'c']) {
  chat.write(word);
  heard.push(await new Promise((resolve) => chat.once('data', resolve)));
}
chat.end();
console.log(heard.join());
console.log((await unary('Drop', 'x')).replace(/(OSH-EGR-\\d+).*/, '$1'));
console.log(await unary('Fail', 'x'));
console.log(await unary('Say', 'still here'));
client.close();
`;

beforeAll(async () => {
  if (lacking.length > 0) return;
  const certificate = makeCertificate(scratch, ['grpc.test']);
  server.addService(SERVICE, {
    Say: (call: Unary, done: Done) => {
      const trailer = new Metadata();
      trailer.set('x-trailer', String(call.metadata.get('x-own')[0]));
      done(null, `said ${call.request}`, trailer);
    },
    Count: (call: ServerWritableStream<string, string>) => {
      for (let i = 1; i <= Number(call.request); i += 1) call.write(String(i));
      call.end();
    },
    Sum: (call: ServerReadableStream<string, string>, done: Done) => {
      let sum = 0;
      call.on('data', (number: string) => {
        sum += Number(number);
      });
      call.on('end', () => done(null, String(sum)));
    },
    Chat: (call: ServerDuplexStream<string, string>) => {
      call.on('data', (word: string) => call.write(word.toUpperCase()));
      call.on('end', () => call.end());
    },
    Drop: (_call: Unary, done: Done) => done(null, 'dropped'),
    Fail: (_call: Unary, done: Done) => done({ code: 9, details: 'not now' }),
  });
  const pair = { private_key: Buffer.from(certificate.key), cert_chain: Buffer.from(certificate.cert) };
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  options = [
    ...['--policy', scratch.policy(POLICY), '--upstream-ca', certificate.authority],
    ...['--read', join(PACKAGE, 'node_modules'), '--connect-to', `grpc.test:443:127.0.0.1:${port}`],
  ];
});
afterAll(() => server.forceShutdown());

describe.skipIf(lacking.length > 0)(`gRPC${because(lacking)}`, () => {
  it.each([
    ['through the proxy', []],
    [
      'past it',
      ['--env', 'grpc_proxy=', '--env', 'https_proxy=', '--env', 'http_proxy=', '--env', 'no_grpc_proxy=*'],
    ],
  ])('%s: calls of every kind, trailers, and a status for what is refused', async (how, more) => {
    const log = join(scratch.root, `events-${how.replaceAll(' ', '-')}`);
    scratch.write('home/project/client.mjs', CLIENT);
    const done = await openshell(
      ['run', ...nodeOptions, ...options, ...more, '--events', log, '--', 'node', 'client.mjs'],
      { cwd: scratch.project, home: scratch.home },
    );
    expect(done.stdout.split('\n')).toEqual([
      'said hello | yes',
      '1,2,3',
      '6',
      'A,B,C',
      expect.stringMatching(/^7 .*OSH-EGR-\d+$/),
      '9 not now | -',
      'said still here | yes',
      '',
    ]);
    const denied = eventsOf(log).filter(({ action }) => action === 'deny');
    expect(denied).toHaveLength(1);
    expect(denied[0]!.subject).toMatchObject({ kind: 'request', path: '/echo.Echo/Drop', host: 'grpc.test' });
    expect(readFileSync(log, 'utf8')).not.toContain('hello');
  });
});
