import { describe, expect, it } from 'vitest';
import { err, ok } from '../../src/base/result.ts';
import { binary, endpoint, identity, policy, table } from '../match/tables.ts';
import { bench, Client, eventually, origin, refusalIn, talk } from './harness.ts';

const CONNECT = 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n';
const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';
const echo = (socket: { write(text: string): unknown }, soFar: string) => socket.write(`<${soFar}>`);

describe('CONNECT', () => {
  it('opens a tunnel to an allowed destination and leaves one event', async () => {
    const server = await origin(echo);
    const { port, events } = await bench({ to: { 'a.test:443': server.port } });
    const client = new Client(port).send(CONNECT);
    await client.until(ESTABLISHED);
    expect(await client.send('ping').until('<ping>')).toBe(`${ESTABLISHED}<ping>`);
    expect(events).toEqual([
      {
        type: 'decision',
        layer: 'egress',
        action: 'allow',
        reason: 'allowed',
        rule: { policy: 'site', index: 0, line: 10 },
        subject: { kind: 'connect', host: 'a.test', port: 443, address: '127.0.0.1', via: 'connect' },
        process: { pid: 42, exe: '/usr/bin/curl', sha256: 'a'.repeat(64), ancestors: ['/bin/sh'] },
        count: 1,
      },
    ]);
  });

  it.each([
    ['HTTP/1.0', 'CONNECT a.test:443 HTTP/1.0\r\n\r\n'],
    ['no Host header', 'CONNECT a.test:443 HTTP/1.1\r\n\r\n'],
    ['capitals and a trailing dot', 'CONNECT A.Test.:443 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['an empty body', 'CONNECT a.test:443 HTTP/1.1\r\nContent-Length: 0\r\n\r\n'],
  ])('takes %s', async (_what, request) => {
    const server = await origin(echo);
    const { port } = await bench({ to: { 'a.test:443': server.port } });
    expect(await new Client(port).send(request).until(ESTABLISHED)).toBe(ESTABLISHED);
  });

  it('passes on what the client sent without waiting', async () => {
    const server = await origin(echo);
    const { port } = await bench({ to: { 'a.test:443': server.port } });
    expect(await new Client(port).send(`${CONNECT}early`).until('<early>')).toBe(`${ESTABLISHED}<early>`);
    expect(server.log).toEqual(['early']);
  });

  it('carries servers that speak first', async () => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:443': server.port } });
    const client = new Client(port).send(CONNECT);
    await client.until(ESTABLISHED);
    await eventually(() => server.open.size === 1);
    for (const socket of server.open) socket.write('220 ready');
    expect(await client.until('220 ready')).toContain('220 ready');
  });

  it.each([
    ['b.test:443', 'endpoint_not_listed', 'OSH-EGR-003', 'b.test', 443],
    ['a.test:8443', 'endpoint_not_listed', 'OSH-EGR-003', 'a.test', 8443],
    ['inference.local:443', 'endpoint_not_listed', 'OSH-EGR-003', 'inference.local', 443],
  ])('refuses %s with the body that teaches', async (to, reason, code, host, number) => {
    const { port, events, dials } = await bench();
    const refusal = refusalIn(await talk(port, `CONNECT ${to} HTTP/1.1\r\n\r\n`));
    expect(refusal).toMatchObject({
      status: 403,
      error: 'policy_denied',
      detail: `CONNECT ${to} not permitted by policy`,
      layer: 'egress',
      method: 'CONNECT',
      path: null,
      host,
      port: number,
      binary: '/usr/bin/curl',
      code,
    });
    expect(refusal.reason).toContain(`endpoint ${to} is not allowed by any policy`);
    expect(refusal.next_steps.join('\n')).toContain(`host: "${host}"`);
    expect(refusal.head).toMatch(/content-type: application\/json/i);
    expect(refusal.head).toMatch(/content-length: \d+/i);
    expect(refusal.head).toMatch(/connection: close/i);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      type: 'denial',
      action: 'deny',
      reason,
      subject: { host, port: number, address: null, via: 'connect' },
    });
    expect(dials).toEqual([]);
  });

  it('names the rule and its line when the program is not the listed one', async () => {
    const rules = table([policy('git', [endpoint('a.test:443', { line: 77 })], [binary('/usr/bin/git')])]);
    const { port, events } = await bench({ rules });
    const refusal = refusalIn(await talk(port, CONNECT));
    expect(refusal).toMatchObject({
      error: 'policy_denied',
      policy: 'git',
      rule: 'network_policies.git.endpoints[0]',
      line: 77,
      code: 'OSH-EGR-004',
    });
    expect(refusal.head).toContain('X-OpenShell-Policy: git');
    expect(events[0]).toMatchObject({
      reason: 'binary_not_listed',
      rule: { policy: 'git', index: 0, line: 77 },
    });
  });

  it.each([
    ['a changed program', 'binary_changed', 'OSH-EGR-005'],
    ['an unknown program', 'identity_unavailable', 'OSH-EGR-006'],
  ] as const)('refuses %s before the rules are asked', async (_what, reason, code) => {
    const process = { pid: 7, exe: '/x', sha256: null, ancestors: [] };
    const { port, events } = await bench({
      identityOf: async () => err({ reason, detail: 'because', process }),
    });
    expect(refusalIn(await talk(port, CONNECT))).toMatchObject({
      status: 403,
      reason: 'because',
      code,
      binary: '/x',
    });
    expect(events).toMatchObject([{ action: 'deny', reason, process }]);
  });

  it.each([
    ['nobody', async () => null],
    ['a failure', () => Promise.reject(new Error('gone'))],
  ])('refuses when the identity is %s', async (_what, identityOf) => {
    const { port, events } = await bench({ identityOf });
    expect(refusalIn(await talk(port, CONNECT))).toMatchObject({
      status: 403,
      code: 'OSH-EGR-006',
      binary: null,
    });
    expect(events).toMatchObject([{ reason: 'identity_unavailable', process: null }]);
  });

  it('judges by the port that the connection comes from', async () => {
    const server = await origin(echo);
    const rules = table([policy('git', [endpoint('a.test:443')], [binary('/usr/bin/git')])]);
    const allowed = new Set<number>();
    const { port, asked } = await bench({
      rules,
      to: { 'a.test:443': server.port },
      identityOf: async (from) => {
        await eventually(() => allowed.size > 0);
        return ok(identity(allowed.has(from) ? '/usr/bin/git' : '/usr/bin/curl'));
      },
    });
    const [git, curl] = [new Client(port), new Client(port)];
    git.socket.once('connect', () => allowed.add(git.socket.localPort!));
    git.send(CONNECT);
    curl.send(CONNECT);
    expect(await git.until(ESTABLISHED)).toBe(ESTABLISHED);
    expect(refusalIn(await curl.end()).code).toBe('OSH-EGR-004');
    expect(asked.sort()).toEqual(
      [git.socket.localPort!, ...asked.filter((one) => one !== git.socket.localPort)].sort(),
    );
  });

  it.each([
    'a.test',
    'a.test:',
    'a.test:0',
    'a.test:65536',
    'a.test:0443',
    'a.test:+443',
    ':443',
    'user:secret@a.test:443',
    'secret@a.test:443',
    'http://a.test:443/',
    'a.test:443/x',
    'a%2etest:443',
    '.a.test:443',
    'a..test:443',
    'a.test..:443',
    '127.1:443',
    '2130706433:443',
    '[::1:443',
    '::1:443',
    '[fe80::1%25eth0]:443',
    'a.test:443?x=secret',
  ])('refuses the target %j with 400 and never dials', async (target) => {
    const { port, events, dials } = await bench();
    const answer = await talk(port, `CONNECT ${target} HTTP/1.1\r\n\r\n`);
    expect(refusalIn(answer).status).toBe(400);
    expect(['OSH-EGR-012', 'OSH-EGR-014']).toContain(refusalIn(answer).code);
    expect(events).toHaveLength(1);
    expect(JSON.stringify([events, answer])).not.toContain('secret');
    expect(dials).toEqual([]);
  });

  it('refuses a CONNECT with a body', async () => {
    const { port } = await bench();
    const answer = await talk(port, 'CONNECT a.test:443 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc');
    expect(refusalIn(answer)).toMatchObject({ status: 400, code: 'OSH-EGR-014' });
  });

  it('answers 502 when nothing listens, with the rule that allowed it and no denial', async () => {
    const { port, events } = await bench({ to: { 'a.test:443': 1 } });
    expect(refusalIn(await talk(port, CONNECT))).toMatchObject({
      status: 502,
      error: 'upstream_unreachable',
      detail: 'connection to a.test:443 failed',
      policy: 'site',
      code: 'OSH-EGR-011',
    });
    expect(events).toMatchObject([{ type: 'decision', action: 'allow', reason: 'upstream_unreachable' }]);
  });

  it('answers 502 when the name does not resolve', async () => {
    const { port, events } = await bench({ resolver: { lookup: async () => err('does not exist') } });
    expect(refusalIn(await talk(port, CONNECT))).toMatchObject({ status: 502, code: 'OSH-EGR-010' });
    expect(events).toMatchObject([{ action: 'allow', reason: 'name_not_resolved' }]);
  });

  it.each([
    [['127.0.0.1'], 'a.test:443', 'declared endpoint check failed', 'OSH-EGR-007'],
    [['8.8.8.8', '169.254.169.254'], 'a.test:443', 'declared endpoint check failed', 'OSH-EGR-007'],
    [['10.0.0.1'], 'x.w.test:80', 'internal address', 'OSH-EGR-007'],
    [['::1'], 'a.test:443', 'declared endpoint check failed', 'OSH-EGR-007'],
    [['fe80::1%eth0'], 'a.test:443', 'declared endpoint check failed', 'OSH-EGR-007'],
  ])('refuses a name that leads to %j', async (addresses, to, check, code) => {
    const { port, events } = await bench({ resolver: { lookup: async () => ok(addresses) } });
    expect(refusalIn(await talk(port, `CONNECT ${to} HTTP/1.1\r\n\r\n`))).toMatchObject({
      status: 403,
      error: 'ssrf_denied',
      detail: `CONNECT ${to} blocked: ${check}`,
      code,
      policy: 'site',
    });
    expect(events).toMatchObject([{ type: 'denial', reason: 'special_address' }]);
  });
});
