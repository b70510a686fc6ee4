import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Draft } from '../../../src/event/event.ts';
import { requestFacts } from '../../../src/inspect/request-facts.ts';
import { inspected } from '../../match/requests.ts';
import { policy, table } from '../../match/tables.ts';
import { type Bench, type Client, type Origin, origin } from '../harness.ts';
import { inspecting, tunnel } from './secure.ts';

/** What was judged is what the server gets, byte for byte; what the server gets was judged. */

const RULES = table([
  policy('site', [
    inspected('a.test:80', ['* /**'], ['* /secret', '* /secret/**', '* /**?n:token=no'], {
      allowEncodedSlash: true,
    }),
  ]),
]);

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT', 'PURGE'];

/** Whole requests of one connection, read by what frames them. */
function requestsIn(log: string): { readonly head: string; readonly body: string }[] {
  const found = [];
  let rest = log;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const head = rest.slice(0, end);
    rest = rest.slice(end + 4);
    const length = /\r\ncontent-length: (\d+)/i.exec(head);
    let body = '';
    if (/\r\ntransfer-encoding: chunked/i.test(head)) {
      for (;;) {
        const size = /^([0-9a-f]+)\r\n/i.exec(rest);
        if (size === null) return found;
        const count = Number.parseInt(size[1]!, 16);
        body += rest.slice(size[0].length, size[0].length + count);
        rest = rest.slice(size[0].length + count + 2);
        if (count === 0) break;
      }
    } else if (length !== null) {
      body = rest.slice(0, Number(length[1]));
      if (body.length < Number(length[1])) return found;
      rest = rest.slice(body.length);
    }
    found.push({ head, body });
  }
  return found;
}

/** A server that answers each whole request. */
async function answering(): Promise<Origin> {
  return origin((socket, soFar) => {
    const state = socket as typeof socket & { answered?: number };
    const whole = requestsIn(soFar).length;
    for (state.answered ??= 0; state.answered < whole; state.answered += 1)
      socket.write('HTTP/1.1 204 No Content\r\n\r\n');
  });
}

interface Talk {
  readonly made: Bench;
  readonly server: Origin;
  client: Client | null;
}

/** Sends one request; gives back the status, what the server got of it, and the events. */
async function send(talk: Talk, bytes: string): Promise<{ status: number; got: string; events: Draft[] }> {
  const before = { log: talk.server.log.join('').length, events: talk.made.events.length };
  talk.client ??= await tunnel(talk.made.port, 'a.test:80');
  const { client } = talk;
  client.received = '';
  client.send(bytes);
  await client.until((text) => /^HTTP\/1\.1 2\d\d .*?\r\n\r\n/s.test(text));
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(client.received)?.[1] ?? 0);
  if (status !== 204) {
    await client.end();
    talk.client = null;
  }
  const events = talk.made.events
    .slice(before.events)
    .filter(({ subject }) => subject.kind !== 'connect' || status !== 204);
  return { status, got: talk.server.log.join('').slice(before.log), events };
}

async function talking(): Promise<Talk> {
  const server = await answering();
  const made = await inspecting(server, {
    rules: RULES,
    to: { 'a.test:80': server.port },
    limits: { lingerMs: 20 },
  });
  return { made, server, client: null };
}

const PIECES = [
  ...[
    '/',
    '//',
    '.',
    '..',
    '/../',
    '/./',
    ';',
    ';x=1',
    '%2e',
    '%2E%2e',
    '%2f',
    '%5c',
    '%3b',
    '%3f',
    '%23',
    '%25',
  ],
  ...[
    '%252e',
    '%00',
    '%0a',
    '%0d%0a',
    '%7f',
    '%c0%ae',
    '%c0%af',
    '%e0%80%af',
    '%ff',
    '%c3%a9',
    '%u002f',
    '%',
  ],
  ...[
    'secret',
    'SECRET',
    '%73ecret',
    'sec%72et',
    'public',
    'a',
    'b',
    '~',
    '@',
    ':',
    '+',
    '*',
    "'",
    '(',
    ')',
    '!',
    '$',
  ],
  ...[
    '&',
    '=',
    ',',
    '\\',
    '"',
    '<',
    '>',
    '^',
    '`',
    '{',
    '|',
    '}',
    '[',
    ']',
    '\xe9',
    ' ',
    '\t',
    '#',
    '?',
    '?x=1',
  ],
];
const path = fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((parts) => `/${parts.join('')}`);
const query = fc.option(
  fc
    .array(
      fc.constantFrom(
        'a',
        '=',
        '&',
        'token',
        'no',
        '%6eo',
        '+',
        '%2b',
        '%26',
        '%3d',
        '%zz',
        '%ff',
        ';',
        '?',
        '/',
      ),
      {
        maxLength: 6,
      },
    )
    .map((parts) => `?${parts.join('')}`),
  { nil: '', freq: 2 },
);

/** As lenient servers read a path: escapes undone, twice perhaps, backslashes as slashes, parameters cut off, dots resolved. */
function readings(target: string): string[] {
  const raw = target.split('?', 1)[0]!;
  const undo = (text: string): string =>
    text.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const resolved = (text: string): string => {
    const out: string[] = [];
    for (const part of text.replaceAll('\\', '/').split('/')) {
      const segment = part.split(';', 1)[0]!;
      if (segment === '..') out.pop();
      else if (segment !== '.' && segment !== '') out.push(segment);
    }
    return `/${out.join('/')}`;
  };
  return [resolved(raw), resolved(undo(raw))];
}

describe('a hostile path and query', () => {
  it('is refused, or gets to the server in the form that was judged, which leads nowhere else', async () => {
    const talk = await talking();
    let sent = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...METHODS), path, query, async (method, rawPath, rawQuery) => {
        const { status, got, events } = await send(
          talk,
          `${method} ${rawPath}${rawQuery} HTTP/1.1\r\nHost: a.test\r\n\r\n`,
        );
        const decision = events.at(-1)!;
        if (status !== 204) {
          refused += 1;
          expect(got).toBe('');
          expect([400, 403]).toContain(status);
          expect(decision.action).toBe('deny');
          return;
        }
        sent += 1;
        // More blanks than one before the version are blanks still.
        const target = (rawPath + rawQuery).replace(/ +$/, '');
        const facts = requestFacts({ method, target });
        expect(facts.ok).toBe(true);
        if (!facts.ok) return;
        const [line] = got.split('\r\n');
        expect(line).toBe(`${facts.value.method} ${facts.value.target} HTTP/1.1`);
        expect(decision).toMatchObject({
          action: 'allow',
          subject: { kind: 'request', method, path: facts.value.path },
        });
        expect(requestsIn(got)).toHaveLength(1);
        for (const reading of readings(facts.value.target)) expect(reading).not.toMatch(/^\/secret(?:\/|$)/);
        // Once canonical, always canonical.
        const again = requestFacts({ method, target: facts.value.target });
        expect(again.ok && again.value.target).toBe(facts.value.target);
        // What follows the question mark is never touched.
        const mark = target.indexOf('?');
        const tail = mark < 0 ? '' : target.slice(mark);
        expect(facts.value.target.slice(facts.value.path.length)).toBe(tail);
      }),
      {
        numRuns: 600,
        examples: [
          ['GET', '/x/..%2fsecret', ''],
          ['GET', '/%2e%2e/secret', ''],
          ['GET', '/public/..;/secret', ''],
          ['GET', '/public%5c..%5csecret', ''],
          ['GET', '//secret', ''],
          ['GET', '/a', '?token=%6eo'],
          ['GET', '/a', '?x=1;token=no'],
        ],
      },
    );
    expect(sent).toBeGreaterThan(60);
    expect(refused).toBeGreaterThan(60);
  }, 120_000);
});

const NAMES = [
  'Accept',
  'accept',
  'X-A',
  'x_b',
  "x!#$%&'*+-.^`|~9",
  'Cookie',
  'Authorization',
  'If-None-Match',
];
const byte = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
  fc.constantFrom(0x09, 0x20),
  fc.integer({ min: 0x80, max: 0xff }),
);
const value = fc.array(byte, { maxLength: 20 }).map((bytes) =>
  Buffer.from(bytes)
    .toString('latin1')
    .replace(/^[\t ]+|[\t ]+$/g, ''),
);
const headers = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 12 });
const body = fc.oneof(
  fc.constant(null),
  fc
    .uint8Array({ maxLength: 2000 })
    .map((bytes) => ({ text: Buffer.from(bytes).toString('latin1'), cuts: [] as number[] })),
  fc
    .tuple(
      fc.uint8Array({ maxLength: 2000 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }),
    )
    .map(([bytes, cuts]) => ({ text: Buffer.from(bytes).toString('latin1'), cuts })),
);

describe('headers and bodies', () => {
  it('get to the server as they came: order, spelling, repetitions, bytes', async () => {
    const talk = await talking();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...METHODS), headers, body, async (method, fields, content) => {
        let bytes = `${method} /x HTTP/1.1\r\nHost: a.test\r\n`;
        for (const [name, text] of fields) bytes += `${name}: ${text}\r\n`;
        if (content === null) bytes += '\r\n';
        else if (content.cuts.length === 0)
          bytes += `Content-Length: ${content.text.length}\r\n\r\n${content.text}`;
        else {
          bytes += 'Transfer-Encoding: chunked\r\n\r\n';
          let rest = content.text;
          for (let i = 0; rest !== ''; i += 1) {
            const chunk = rest.slice(0, content.cuts[i % content.cuts.length]);
            rest = rest.slice(chunk.length);
            bytes += `${chunk.length.toString(16)};x=y\r\n${chunk}\r\n`;
          }
          bytes += '0\r\n\r\n';
        }
        const { status, got } = await send(talk, bytes);
        expect(status).toBe(204);
        const arrived = requestsIn(got);
        expect(arrived).toHaveLength(1);
        const [line, ...lines] = arrived[0]!.head.split('\r\n');
        expect(line).toBe(`${method} /x HTTP/1.1`);
        const ours =
          /^(?:host: a\.test|connection: (?:keep-alive|close)|content-length: \d+|transfer-encoding: chunked)$/;
        expect(lines.filter((text) => !ours.test(text))).toEqual(
          fields.map(([name, text]) => `${name}: ${text}`),
        );
        expect(
          lines.filter((text) => /^(?:content-length|transfer-encoding):/.test(text)).length,
        ).toBeLessThan(2);
        expect(arrived[0]!.body).toBe(content?.text ?? '');
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});

const JUNK = [
  ...[
    'Host: a.test',
    'Host: b.test',
    'Content-Length: 3',
    'Content-Length: 5',
    'Content-Length: x',
    'abc',
    '',
    ' ',
  ],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip',
    'Connection: close',
    'Connection: x',
    'X: 1',
    'X:1',
  ],
  ...[
    'GET /secret HTTP/1.1',
    'POST /b HTTP/1.1',
    'GET /b HTTP/1.0',
    '0',
    '3',
    '3;a=b',
    'Expect: 100-continue',
    ' folded',
  ],
  ...[
    'Upgrade: h2c',
    'Connection: Upgrade',
    'Trailer: X',
    'X : 1',
    ':',
    'X: \0',
    'X: a\rb',
    '\xff: 1',
    'Host:',
    'Via: x',
  ],
];
const lineEnd = fc.oneof(
  { weight: 8, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', '\r\n\r\n') },
);
const conversation = fc
  .array(fc.tuple(fc.constantFrom(...JUNK), lineEnd), { maxLength: 14 })
  .map((lines) => `POST /a HTTP/1.1\r\nHost: a.test\r\n${lines.map((parts) => parts.join('')).join('')}\r\n`);

describe('any bytes', () => {
  it('leave one event for each request that gets to the server, and nothing gets there that was not judged', async () => {
    const server = await answering();
    const limits = { headerMs: 80, keepAliveMs: 80, lingerMs: 20 };
    const made = await inspecting(server, { rules: RULES, to: { 'a.test:80': server.port }, limits });
    let arrivedInAll = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(conversation, { minLength: 12, maxLength: 12 }), async (conversations) => {
        const before = made.events.length;
        const logs = server.log.map((text) => text.length);
        await Promise.all(
          conversations.map(async (bytes) => {
            const client = (await tunnel(made.port, 'a.test:80')).send(bytes);
            // A body that does not come is waited for.
            const patience = setTimeout(() => client.socket.destroy(), 250);
            await client.end();
            clearTimeout(patience);
          }),
        );
        const allowed = made.events
          .slice(before)
          .flatMap(({ subject, action }) =>
            subject.kind === 'request' && action === 'allow' ? [`${subject.method} ${subject.path}`] : [],
          );
        const heads = server.log
          .flatMap((text, i) => requestsIn(text.slice(logs[i] ?? 0)))
          .map(({ head }) => head);
        arrivedInAll += heads.length;
        const arrived = heads.map((head) => head.split(' HTTP/1.1', 1)[0]!);
        for (const one of arrived) expect(allowed).toContain(one);
        expect(arrived.length).toBeLessThanOrEqual(allowed.length);
        for (const head of heads) {
          expect(head).not.toMatch(/secret|[^\r]\n|\r[^\n]|\0/);
          expect(head.match(/\r\nhost: a\.test(?=\r\n|$)/g)).toHaveLength(1);
          expect(head).not.toMatch(/b\.test|upgrade|trailer:|expect/i);
        }
      }),
      { numRuns: 40 },
    );
    expect(arrivedInAll).toBeGreaterThan(40);
  }, 120_000);
});
