import { describe, expect, it } from 'vitest';
import { type Address, addressBytes, parseAddress } from '../../src/base/address.ts';
import { err, ok } from '../../src/base/result.ts';
import { ConnectToTable, parseConnectTo } from '../../src/egress/connect-to.ts';
import { Destinations } from '../../src/egress/destination.ts';
import { type DirectConnect, DirectEgress, type DirectOptions } from '../../src/egress/direct.ts';
import { SyntheticAddresses } from '../../src/egress/synthetic.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import { binary, endpoint, identity, policy, table } from '../match/tables.ts';

const RULES = table([
  policy(
    'site',
    [endpoint('a.test:443'), endpoint('*.w.test:443'), endpoint('203.0.113.5:22')],
    [binary('/usr/bin/curl')],
  ),
]);
const address = (text: string): Address => parseAddress(text)!;

function sandbox(
  rules = RULES,
  connectTo: string[] = [],
  others: Record<string, string[]> = {},
  guard: DirectOptions['guard'] = null,
) {
  const synthetic = new SyntheticAddresses(100);
  const entries = connectTo.map((text) => {
    const entry = parseConnectTo(text);
    if (!entry.ok) throw new Error(entry.error);
    return entry.value;
  });
  const direct = new DirectEgress({
    index: buildIndex(rules),
    datagrams: buildIndex(rules, 'udp'),
    destinations: new Destinations({
      resolver: { lookup: async () => ok(['203.0.113.77']) },
      connectTo: new ConnectToTable(entries),
    }),
    synthetic,
    guard,
    addressesOf: (name) => (others[name] ?? []).map(address),
  });
  const named = (name: string, real: string) => synthetic.of(name, address(real))!;
  const judge = async (to: Address, port: number, more: Partial<DirectConnect> = {}) => {
    const verdict = await direct.judge({
      address: addressBytes(to),
      port,
      datagram: false,
      identity: ok(identity('/usr/bin/curl')),
      ...more,
    });
    if (verdict.kind === 'inspected') throw new Error('it is looked at');
    const { target, event } = verdict;
    return { to: target === null ? null : `${target.address.text}:${target.port}`, event };
  };
  return { named, judge, direct };
}

describe('a connection to inference.local', () => {
  const served = { ...RULES, inference: ['a'] };
  const unknown = err({ reason: 'identity_unavailable', detail: 'nobody', process: null } as const);

  it('is looked at on port 443, whoever asks', async () => {
    const { named, judge } = sandbox(served);
    const ours = named('inference.local', '127.0.0.1');
    await expect(judge(ours, 443)).rejects.toThrow('it is looked at');
    await expect(judge(ours, 443, { identity: unknown })).rejects.toThrow('it is looked at');
  });

  it('is judged by the policy on other ports, for datagrams, and by its bare address', async () => {
    const { named, judge } = sandbox(served);
    const ours = named('inference.local', '127.0.0.1');
    expect((await judge(ours, 8443)).event.reason).toBe('endpoint_not_listed');
    expect((await judge(ours, 443, { datagram: true })).event.reason).toBe('datagram_not_allowed');
    expect((await judge(address('127.0.0.1'), 443)).to).toBeNull();
  });
});

describe('a direct connection', () => {
  it('is judged by the name and goes to the real address of the synthetic one', async () => {
    const { named, judge } = sandbox();
    const { to, event } = await judge(named('a.test', '203.0.113.1'), 443);
    expect(to).toBe('203.0.113.1:443');
    expect(event).toMatchObject({
      type: 'decision',
      action: 'allow',
      reason: 'allowed',
      rule: { policy: 'site', index: 0 },
      subject: { kind: 'connect', host: 'a.test', port: 443, address: '203.0.113.1', via: 'direct' },
      process: { exe: '/usr/bin/curl' },
    });
  });

  it('is judged by other rules from the moment on that they hold', async () => {
    const { named, judge, direct } = sandbox();
    const to = named('a.test', '203.0.113.1');
    expect((await judge(to, 443)).to).toBe('203.0.113.1:443');
    const none = buildIndex(table([policy('other', [endpoint('b.test:443')])]));
    direct.useRules({ index: none, datagrams: none });
    expect((await judge(to, 443)).event).toMatchObject({ action: 'deny', reason: 'endpoint_not_listed' });
  });

  it.each(['guardrail_denied', 'guardrail_failed'] as const)(
    'is refused by a guardrail: %s',
    async (reason) => {
      const asked: unknown[] = [];
      const guard = {
        evaluate: async (input: unknown) => {
          asked.push(input);
          return { allow: false, reason, detail: 'no' } as const;
        },
      };
      const { named, judge } = sandbox(RULES, [], {}, guard);
      const { to, event } = await judge(named('a.test', '203.0.113.1'), 443);
      expect(to).toBeNull();
      expect(event).toMatchObject({ action: 'deny', reason, rule: { policy: 'site' } });
      expect(asked).toMatchObject([
        { exec: { path: '/usr/bin/curl' }, network: { host: 'a.test', port: 443 } },
      ]);
    },
  );

  it('to a literal address is judged by that', async () => {
    const { judge } = sandbox();
    expect((await judge(address('203.0.113.5'), 22)).to).toBe('203.0.113.5:22');
    expect((await judge(address('203.0.113.6'), 22)).event).toMatchObject({ reason: 'endpoint_not_listed' });
    expect((await judge(address('::ffff:203.0.113.5'), 22)).to).toBe('203.0.113.5:22');
  });

  it('to the real address of an allowed name is none to the name', async () => {
    const { named, judge } = sandbox();
    named('a.test', '203.0.113.1');
    expect((await judge(address('203.0.113.1'), 443)).event).toMatchObject({
      action: 'deny',
      reason: 'endpoint_not_listed',
    });
  });

  it('to a synthetic address that was not given out goes nowhere', async () => {
    const { judge } = sandbox();
    expect((await judge(address('198.18.200.1'), 443)).to).toBeNull();
    expect((await judge(address('fd6f:7065:6e73:6865::1'), 443)).to).toBeNull();
  });

  it.each([
    ['another port', 80, {}, 'endpoint_not_listed'],
    ['another program', 443, { identity: ok(identity('/usr/bin/wget')) }, 'binary_not_listed'],
    [
      'an unknown program',
      443,
      { identity: err({ reason: 'identity_unavailable', detail: '', process: null }) },
      'identity_unavailable',
    ],
    ['a datagram socket', 443, { datagram: true }, 'datagram_not_allowed'],
  ] as const)('is refused for %s', async (_what, port, more, reason) => {
    const { named, judge } = sandbox();
    const { to, event } = await judge(named('a.test', '203.0.113.1'), port, more as Partial<DirectConnect>);
    expect(to).toBeNull();
    expect(event).toMatchObject({
      type: 'denial',
      layer: 'egress',
      reason,
      subject: { host: 'a.test', via: 'datagram' in more ? 'datagram' : 'direct' },
    });
  });

  it('for datagrams is judged by endpoints with `protocol: udp` alone, and those judge nothing else', async () => {
    const rules = table([
      policy(
        'time',
        [endpoint('a.test:123', { transport: 'udp' }), endpoint('a.test:443', { index: 1 })],
        [binary('/usr/bin/curl')],
      ),
    ]);
    const { named, judge } = sandbox(rules);
    const to = named('a.test', '203.0.113.1');
    const asked = async (port: number, datagram: boolean, path = '/usr/bin/curl') =>
      (await judge(to, port, { datagram, identity: ok(identity(path)) })).event.reason;
    expect(await asked(123, true)).toBe('allowed');
    expect(await asked(443, true)).toBe('datagram_not_allowed');
    expect(await asked(123, false)).toBe('endpoint_not_listed');
    expect(await asked(443, false)).toBe('allowed');
    expect(await asked(123, true, '/usr/bin/nc')).toBe('binary_not_listed');
    expect((await judge(named('a.test', '127.0.0.1'), 123, { datagram: true })).event.reason).toBe(
      'special_address',
    );
    expect((await judge(address('203.0.113.1'), 123, { datagram: true })).event.reason).toBe(
      'datagram_not_allowed',
    );
  });

  it('for datagrams goes to real addresses that an endpoint names, or that lie in its `allowed_ips`', async () => {
    const rules = table([
      policy(
        'media',
        [
          endpoint('203.0.113.5:123', { transport: 'udp' }),
          endpoint(':4000', { index: 1, transport: 'udp', allowedIps: ['203.0.113.64/28', '198.18.0.0/15'] }),
        ],
        [binary('/usr/bin/curl')],
      ),
    ]);
    const { judge } = sandbox(rules);
    const asked = async (to: string, port: number, datagram = true) =>
      (await judge(address(to), port, { datagram })).event.reason;
    expect(await asked('203.0.113.5', 123)).toBe('allowed');
    expect(await asked('203.0.113.5', 123, false)).toBe('endpoint_not_listed');
    expect(await asked('203.0.113.5', 124)).toBe('datagram_not_allowed');
    expect(await asked('203.0.113.65', 4000)).toBe('allowed');
    expect(await asked('203.0.113.80', 4000)).toBe('address_not_listed');
    expect(await asked('198.18.200.1', 4000)).toBe('datagram_not_allowed'); // stands for a name, or for nothing
  });

  it.each(['127.0.0.1', '169.254.169.254', '0.0.0.0', '::1', 'fe80::1', '64:ff9b::7f00:1', '224.0.0.1'])(
    'is refused when the name is at %s',
    async (real) => {
      const { named, judge } = sandbox();
      const { to, event } = await judge(named('a.test', real), 443);
      expect(to).toBeNull();
      expect(event).toMatchObject({ reason: 'special_address', subject: { address: address(real).text } });
    },
  );

  it('is refused when another address of the name is special: a program could be led there', async () => {
    const { named, judge } = sandbox(RULES, [], { 'a.test': ['203.0.113.1', '127.0.0.1'] });
    expect((await judge(named('a.test', '203.0.113.1'), 443)).event).toMatchObject({
      reason: 'special_address',
    });
  });

  it('may go to a private address of an exactly declared name, and of no other', async () => {
    const { named, judge } = sandbox();
    expect((await judge(named('a.test', '10.0.0.1'), 443)).to).toBe('10.0.0.1:443');
    expect((await judge(named('x.w.test', '10.0.0.1'), 443)).event).toMatchObject({
      reason: 'special_address',
    });
  });

  it('goes where --connect-to says, for that port alone', async () => {
    const rules = table([policy('site', [endpoint('a.test:80,443')])]);
    const { named, judge } = sandbox(rules, ['a.test:443:127.0.0.1:8443']);
    expect((await judge(named('a.test', '127.0.0.1'), 443)).to).toBe('127.0.0.1:8443');
    expect((await judge(named('a.test', '127.0.0.1'), 80)).to).toBe('203.0.113.77:80');
  });

  it('has no network where it is off', async () => {
    const { judge } = sandbox(table([], 'block'));
    expect((await judge(address('203.0.113.5'), 22, { datagram: true })).event).toMatchObject({
      reason: 'network_off',
    });
  });
});
