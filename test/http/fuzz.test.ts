import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpoint, policy, table } from '../match/tables.ts';
import { bench, Client, eventually, origin } from './harness.ts';

/**
 * Whatever bytes stand for a destination: what is dialled is exactly what the rules name, each dial has its event, and
 * the origin sees nothing else.
 */
const RULES = table([policy('site', [endpoint('a.test:80,443'), endpoint('*.w.test:80')])]);
const ALLOWED = /^(?:a\.test:(?:80|443)|[a-z0-9_-]+\.w\.test:80)$/;

const piece = fc.constantFrom(
  'a.test',
  'A.TEST',
  'a.test.',
  'evil.test',
  'x.w.test',
  'w.test',
  'x.y.w.test',
  'a.test:80',
  'a.test:443',
  ':80',
  ':443',
  ':22',
  '@',
  '%00',
  '%2e',
  '\0',
  '\\',
  '/',
  '//',
  '?',
  '#',
  '.',
  '..',
  '*',
  '**',
  '[',
  ']',
  '[::1]',
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f.1',
  '::ffff:127.0.0.1',
  'http://',
  'https://',
  'HTTP://',
  'ftp://',
  ' ',
  '\t',
  '\r',
  '\n',
  '\r\n',
  '\u00e9',
  '\u00ad',
  'a',
  'user:pw@',
  ';',
);
const rubbish = fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
const proper = fc.constantFrom<readonly [method: string, target: string, host: string]>(
  ['CONNECT', 'a.test:443', 'a.test'],
  ['CONNECT', 'a.test:80', 'evil.test'],
  ['GET', 'http://a.test/', 'a.test'],
  ['POST', 'http://a.test:443/x?y', 'a.test:443'],
  ['OPTIONS', 'http://x.w.test', 'x.w.test'],
);
const targets = fc
  .tuple(proper, fc.constantFrom('proper', 'damaged', 'rubbish'), rubbish, fc.nat({ max: 20 }))
  .map(([[method, target, host], how, junk, at]) => {
    if (how === 'proper') return [method, target, host] as const;
    return [method, how === 'rubbish' ? junk : target.slice(0, at) + junk + target.slice(at), host] as const;
  });
const lineEnd = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', '');
const header = fc
  .tuple(
    fc.constantFrom(
      'Host',
      'Host',
      'Content-Length',
      'Transfer-Encoding',
      'Connection',
      'Upgrade',
      'X',
      'Host ',
      'Proxy-Authorization',
      'Expect',
    ),
    fc.constantFrom(': ', ':', ' : ', ''),
    fc.oneof(
      rubbish,
      fc.constantFrom('0', '5', 'chunked', 'Upgrade', 'websocket', 'close', 'a.test', '100-continue', ''),
    ),
    lineEnd,
  )
  .map((parts) => parts.join(''));
/** Mostly the right thing at each place, so that damage at one place is not hidden by damage at another. */
const mostly = (right: string, ...wrong: string[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: fc.constantFrom(...wrong) });
const message = targets.chain(([method, target, host]) =>
  fc
    .tuple(
      mostly(method, 'CONNECT', 'GET', 'connect'),
      mostly(' ', '  ', '\t'),
      fc.constant(target),
      mostly(' HTTP/1.1', ' HTTP/1.0', ' HTTP/2.0', ''),
      mostly('\r\n', '\n', '\r'),
      mostly(`Host: ${host}\r\n`, 'Host: evil.test\r\n', ''),
      fc.oneof({ weight: 2, arbitrary: fc.constant('') }, { weight: 1, arbitrary: header }),
      mostly('\r\n', '\n', ''),
      mostly('', 'abcde', '0\r\n\r\n', '5\r\nabcde\r\n0\r\n\r\n'),
    )
    .map((parts) => parts.join('')),
);

describe('fuzzed destinations', () => {
  it('never lead anywhere that the rules do not name, and each dial leaves exactly one event (INV-04, INV-08)', async () => {
    const server = await origin((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    const to = { 'a.test:80': server.port, 'a.test:443': server.port, 'x.w.test:80': server.port };
    const limits = { headerMs: 60, keepAliveMs: 60, lingerMs: 20, tunnelIdleMs: 60 };
    const { port, dials, events } = await bench({ rules: RULES, to, limits });
    const conversation = fc
      .array(message, { minLength: 1, maxLength: 3 })
      .map((messages) => messages.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(conversation, { minLength: 30, maxLength: 30 }), async (conversations) => {
        const before = { dials: dials.length, events: events.length, log: server.log.length };
        await Promise.all(conversations.map((bytes) => new Client(port).send(bytes).end()));
        await eventually(() => server.open.size === 0);
        const dialled = dials.slice(before.dials);
        for (const one of dialled) expect(one).toMatch(ALLOWED);
        const drafts = events.slice(before.events);
        const allowed = drafts.filter(({ action }) => action === 'allow').map(({ subject }) => subject);
        expect(
          allowed.map((one) => (one.kind === 'connect' ? `${one.host}:${one.port}` : '')).sort(),
        ).toEqual(dialled.sort());
        expect(server.log.length - before.log).toBeLessThanOrEqual(dialled.length);
        expect(JSON.stringify(drafts)).not.toContain('user:pw');
      }),
      { numRuns: 60 },
    );
    // The generator reaches both sides.
    expect(dials.length).toBeGreaterThan(100);
    expect(events.length - dials.length).toBeGreaterThan(100);
  }, 120_000);
});
