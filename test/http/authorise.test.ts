import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { GuardAnswer, GuardInput } from '../../src/guard/guard.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import { endpoint, policy, SHA_A, table } from '../match/tables.ts';
import { bench, Client, origin, refusalIn, talk } from './harness.ts';

const CONNECT = 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n';
const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';
const echo = (socket: { write(text: string): unknown }, soFar: string) => socket.write(`<${soFar}>`);

describe('a change of rules', () => {
  it('holds for the next request and leaves open tunnels to the caller', async () => {
    const server = await origin(echo);
    const { port, proxy } = await bench({ to: { 'a.test:443': server.port } });
    const before = new Client(port).send(CONNECT);
    await before.until(ESTABLISHED);
    proxy.useIndex(buildIndex(table([])));
    expect(refusalIn(await talk(port, CONNECT)).code).toBe('OSH-EGR-002');
    expect(await before.send('x').until('<x>')).toContain('<x>');
  });

  it.each([
    ['refuses what they no longer allow', table([]), 'OSH-EGR-002'],
    [
      'keeps what they still allow',
      table([policy('new', [endpoint('*.test:443'), endpoint('a.test:443')])]),
      null,
    ],
  ])('during a dial %s', async (_what, rules, code) => {
    const server = await origin(echo);
    let swap = (): void => undefined;
    const { port, proxy, events } = await bench({
      to: { 'b.test:1': server.port, 'a.test:443': server.port },
      start: ({ address, port }) => {
        swap(); // the decision is made, the dial ends in a later turn of the event loop
        return connect({ host: address.text, port, allowHalfOpen: true });
      },
    });
    swap = () => proxy.useIndex(buildIndex(rules));
    const answer = await new Client(port).send(CONNECT).until((text) => text.includes('\r\n\r\n'));
    if (code === null) expect(answer).toBe(ESTABLISHED);
    else expect(answer).toContain(' 403 ');
    expect(events).toHaveLength(1);
    expect(events[0]?.rule?.policy ?? null).toBe(code === null ? 'new' : null);
  });
});

describe('a guardrail', () => {
  const saying = (answer: GuardAnswer) => {
    const asked: GuardInput[] = [];
    const guard = {
      evaluate: async (input: GuardInput) => {
        asked.push(input);
        return answer;
      },
    };
    return { asked, guard };
  };

  it('is asked about what the rules allow, and lets it go on', async () => {
    const server = await origin(echo);
    const { asked, guard } = saying({ allow: true });
    const { port } = await bench({ to: { 'a.test:443': server.port }, guard });
    expect(await new Client(port).send(CONNECT).until(ESTABLISHED)).toBe(ESTABLISHED);
    expect(asked).toEqual([
      {
        exec: { path: '/usr/bin/curl', sha256: SHA_A, ancestors: ['/bin/sh'], cmdline_paths: [] },
        network: { host: 'a.test', port: 443 },
      },
    ]);
  });

  it.each([
    ['guardrail_denied', 403, 'OSH-EGR-060'],
    ['guardrail_failed', 503, 'OSH-EGR-061'],
  ] as const)(
    'that says %s refuses before anything is looked up or dialled',
    async (reason, status, code) => {
      const { guard } = saying({ allow: false, reason, detail: 'not on Sundays' });
      const { port, events, dials } = await bench({ guard });
      expect(refusalIn(await talk(port, CONNECT))).toMatchObject({
        status,
        code,
        reason: 'not on Sundays',
        policy: 'site',
        rule: 'network_policies.site.endpoints[0]',
      });
      expect(dials).toEqual([]);
      expect(events).toMatchObject([{ type: 'denial', action: 'deny', reason, rule: { policy: 'site' } }]);
    },
  );

  it('is not asked about what no rule allows', async () => {
    const { asked, guard } = saying({ allow: true });
    const { port } = await bench({ guard });
    expect(refusalIn(await talk(port, CONNECT.replaceAll('a.test', 'b.test')))).toMatchObject({
      code: 'OSH-EGR-003',
    });
    expect(asked).toEqual([]);
  });
});
