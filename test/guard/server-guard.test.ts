import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Guard, GuardInput } from '../../src/guard/guard.ts';
import type { GuardLimits } from '../../src/guard/limits.ts';
import { openServerGuard } from '../../src/guard/server-guard.ts';

const INPUT: GuardInput = {
  exec: { path: '/x', sha256: null, ancestors: [], cmdline_paths: [] },
  network: { host: 'a.test', port: 1 },
};
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function guardAt(port: number, limits: Partial<GuardLimits> = {}): Guard {
  const guard = openServerGuard(`http://127.0.0.1:${port}/v1/data/x/deny`, limits);
  if (!guard.ok) throw new Error(guard.error);
  cleanups.push(() => guard.value.close());
  return guard.value;
}

async function answering(answer: (request: IncomingMessage, response: ServerResponse) => void, limits = {}) {
  const server = createServer(answer);
  cleanups.push(() => server.closeAllConnections());
  return guardAt(await listening(server), limits);
}

describe('an OPA server', () => {
  it('gets the input, and says what the rule says', async () => {
    let asked = '';
    const guard = await answering((request, response) => {
      request.on('data', (part) => {
        asked += part;
      });
      request.on('end', () => response.end('{"result": ["no"]}'));
    });
    expect(await guard.evaluate(INPUT)).toEqual({ allow: false, reason: 'guardrail_denied', detail: 'no' });
    expect(JSON.parse(asked)).toEqual({ input: INPUT });
  });

  it('is asked by few connections, however much is asked', async () => {
    let connections = 0;
    const server = createServer((_request, response) => response.end('{"result": true}'));
    server.on('connection', () => {
      connections += 1;
    });
    cleanups.push(() => server.closeAllConnections());
    const guard = guardAt(await listening(server), { serverConnections: 4 });
    const answers = await Promise.all(Array.from({ length: 100 }, () => guard.evaluate(INPUT)));
    expect(answers.every(({ allow }) => allow)).toBe(true);
    expect(connections).toBeLessThanOrEqual(4);
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['no result', (_, response) => response.end('{}')],
    ['nothing', (_, response) => response.end()],
    ['no JSON', (_, response) => response.end('true')],
    ['a list', (_, response) => response.end('[]')],
    ['bytes that are no text', (_, response) => response.end(Buffer.from([0x7b, 0xff, 0x7d]))],
    ['an error', (_, response) => response.writeHead(500).end('{"result": true}')],
    [
      'that it is elsewhere',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('{"result": true}'),
    ],
    ['too much', (_, response) => response.end(`{"result": true, "x": "${'x'.repeat(100_000)}"}`)],
    [
      'the half of it',
      (_, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('{"result"');
        setTimeout(() => response.destroy(), 20);
      },
    ],
    ['nothing, for ever', () => {}],
    [
      'a byte at a time, for ever',
      (_, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])('that says %s denies', async (_what, answer) => {
    const guard = await answering(answer, { serverMs: 300 });
    expect(await guard.evaluate(INPUT)).toMatchObject({ allow: false, reason: 'guardrail_failed' });
  });

  it('that is away, or is none, denies', async () => {
    const server = createTcpServer();
    const port = await listening(server);
    server.close();
    await once(server, 'close');
    expect(await guardAt(port).evaluate(INPUT)).toMatchObject({ reason: 'guardrail_failed' });
    const odd = createTcpServer((socket) => void socket.end('SSH-2.0-x\r\n'));
    expect(await guardAt(await listening(odd)).evaluate(INPUT)).toMatchObject({ reason: 'guardrail_failed' });
  });

  it('is not asked more at a time than may wait, nor anything too large', async () => {
    const guard = await answering(() => {}, { waiting: 2, serverMs: 200 });
    const answers = await Promise.all([1, 2, 3].map(() => guard.evaluate(INPUT)));
    expect(answers[2]).toMatchObject({ detail: 'too many questions wait for the guardrail' });
    const large = { ...INPUT, network: { host: 'x'.repeat(2_000_000), port: 1 } };
    expect(await guard.evaluate(large)).toMatchObject({ reason: 'guardrail_failed' });
  });

  it.each([
    'http://u:p@127.0.0.1/v1/data/x',
    'http://127.0.0.1/',
    'http://127.0.0.1/v0/data/x',
    'http://127.0.0.1/v1/data/x?y',
    'http://[',
  ])('is not one at %s', (url) => {
    expect(openServerGuard(url).ok).toBe(false);
  });
});
