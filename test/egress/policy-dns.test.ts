import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { err, ok } from '../../src/base/result.ts';
import { ConnectToTable, parseConnectTo } from '../../src/egress/connect-to.ts';
import { FrozenResolver } from '../../src/egress/frozen-names.ts';
import type { NameLimits } from '../../src/egress/name-limits.ts';
import { PolicyDns } from '../../src/egress/policy-dns.ts';
import { SyntheticAddresses } from '../../src/egress/synthetic.ts';
import type { Draft } from '../../src/event/event.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import { endpoint, policy, table } from '../match/tables.ts';
import { query, readReply } from './dns-queries.ts';

const [A, AAAA, TXT, PTR, SOA] = [1, 28, 16, 12, 6];
const CODE = { ok: 0, failed: 2, unknown: 3 };
const RULES = table([
  policy('site', [endpoint('a.test:443'), endpoint('*.w.test:443'), endpoint('**.deep.test:443')]),
]);

function sandbox(limits: Partial<NameLimits> = {}, rules = RULES, connectTo: string[] = []) {
  const events: Draft[] = [];
  const asked: string[] = [];
  const real = new Map([['a.test', ['203.0.113.1', '203.0.113.2', '2001:db8::1']]]);
  const resolver = {
    lookup: async (name: string) => {
      asked.push(name);
      const found = real.get(name) ?? (name.endsWith('.w.test') ? ['203.0.113.9'] : null);
      return found === null ? err('does not exist') : ok(found);
    },
  };
  const entries = connectTo.map((text) => {
    const entry = parseConnectTo(text);
    if (!entry.ok) throw new Error(entry.error);
    return entry.value;
  });
  const synthetic = new SyntheticAddresses(limits.syntheticAddresses ?? 1000);
  const dns = new PolicyDns({
    index: buildIndex(rules),
    resolver,
    connectTo: new ConnectToTable(entries),
    synthetic,
    emit: (draft) => events.push(draft),
    limits,
  });
  const ask = async (name: string, type = A, transport: 'udp' | 'tcp' = 'udp') => {
    const message = query(name, type);
    return readReply(await dns.answer(message, transport), message);
  };
  const meant = (hex: string) => {
    const bytes = Buffer.from(hex, 'hex');
    const text = bytes.length === 4 ? bytes.join('.') : bytes.toString('hex').replace(/(.{4})(?!$)/g, '$1:');
    return synthetic.target(parseAddress(text)!);
  };
  return { ask, asked, events, real, meant, dns };
}

describe('a name above one that can be asked for', () => {
  it('is there when its zone is asked for, and has no address: then it is refused', async () => {
    const { ask, events } = sandbox();
    expect(await ask('test', SOA)).toMatchObject({ code: CODE.ok, addresses: [] });
    expect(events).toEqual([]);
    expect(await ask('test', A)).toMatchObject({ code: CODE.unknown });
    expect(await ask('other', SOA)).toMatchObject({ code: CODE.unknown });
    expect(events.map(({ subject }) => subject)).toMatchObject([{ name: 'test' }, { name: 'other' }]);
  });

  it('is `local` where inference is served', async () => {
    const { ask, events, dns } = sandbox({}, { ...RULES, inference: ['a'] });
    expect(await ask('local', SOA)).toMatchObject({ code: CODE.ok, addresses: [] });
    dns.useIndex(buildIndex(RULES));
    expect(await ask('local', SOA)).toMatchObject({ code: CODE.unknown });
    expect(events).toHaveLength(1);
  });
});

describe('inference.local', () => {
  const served = { ...RULES, inference: ['a'] };

  it('has one synthetic IPv4 address where there are routes, and is asked of nobody', async () => {
    const { ask, meant, asked, events } = sandbox({}, served);
    const { code, addresses } = await ask('Inference.Local');
    expect(code).toBe(CODE.ok);
    expect(addresses.map(meant)).toMatchObject([{ name: 'inference.local', real: { text: '127.0.0.1' } }]);
    expect(await ask('inference.local', AAAA)).toMatchObject({ code: CODE.ok, addresses: [] });
    expect(asked).toEqual([]);
    expect(events).toEqual([]);
  });

  it('is no name without routes, nor is one below it', async () => {
    expect((await sandbox().ask('inference.local')).code).toBe(CODE.unknown);
    expect((await sandbox({}, served).ask('x.inference.local')).code).toBe(CODE.unknown);
  });

  it('that the policy lists too has the addresses that it has outside', async () => {
    const rules = { ...table([policy('own', [endpoint('inference.local:8443')])]), inference: ['a'] };
    const { ask, meant } = sandbox({}, rules, ['inference.local:8443:203.0.113.8:1']);
    expect((await ask('inference.local')).addresses.map(meant)).toMatchObject([
      { real: { text: '203.0.113.8' } },
    ]);
  });
});

describe('a name that an endpoint could allow', () => {
  it('has one synthetic address for each real one, in both families', async () => {
    const { ask, meant } = sandbox();
    const four = await ask('a.test');
    const six = await ask('a.test', AAAA);
    expect(four.addresses.map((one) => meant(one)?.real.text)).toEqual(['203.0.113.1', '203.0.113.2']);
    expect(six.addresses.map((one) => meant(one))).toMatchObject([
      { name: 'a.test', real: { text: '2001:db8::1' } },
    ]);
    expect(four.addresses[0]).toMatch(/^c612/);
    expect(six.addresses[0]).toMatch(/^fd6f70656e736865/);
  });

  it('keeps it, in whatever case it is asked for, and by UDP and TCP', async () => {
    const { ask, asked } = sandbox();
    const first = await ask('a.test');
    expect(await ask('A.tEsT', A, 'tcp')).toEqual(first);
    expect(asked).toEqual(['a.test']);
  });

  it('keeps the address of a name and gives another for another real address (rebinding)', async () => {
    const { ask, real, meant } = sandbox({ ttlSeconds: 0 });
    const first = await ask('a.test');
    real.set('a.test', ['127.0.0.1']);
    const second = await ask('a.test');
    expect(second.addresses).not.toEqual(first.addresses);
    expect(meant(first.addresses[0]!)?.real.text).toBe('203.0.113.1');
    expect(meant(second.addresses[0]!)?.real.text).toBe('127.0.0.1');
  });

  it('is where --connect-to says, and nobody is asked', async () => {
    const { ask, asked, meant } = sandbox({}, RULES, ['a.test:443:127.0.0.1:8443']);
    expect((await ask('a.test')).addresses.map((one) => meant(one)?.real.text)).toEqual(['127.0.0.1']);
    expect(asked).toEqual([]);
  });

  it('has no records but addresses', async () => {
    const { ask, asked, events } = sandbox();
    expect(await ask('a.test', TXT)).toEqual({ code: CODE.ok, addresses: [] });
    expect([asked, events]).toEqual([[], []]);
  });

  it('fails when it cannot be resolved', async () => {
    const { ask, real } = sandbox();
    real.delete('a.test');
    expect((await ask('a.test')).code).toBe(CODE.failed);
  });
});

describe('any other name', () => {
  it.each([
    ['b.test', A],
    ['a.test.attacker.example', A],
    ['secret.of.the.workload.attacker.example', TXT],
    ['w.test', A],
    ['203.0.113.1', A],
    ['2130706433', A],
    ['1.113.0.203.in-addr.arpa', PTR],
    ['a.test\0.attacker.example', A],
    ['\xff\xfe.test', A],
    ['', A],
  ])('does not exist, is asked of nobody and recorded: %j', async (name, type) => {
    const { ask, asked, events } = sandbox();
    expect(await ask(name, type)).toEqual({ code: CODE.unknown, addresses: [] });
    expect(asked).toEqual([]);
    expect(events).toMatchObject([
      { type: 'denial', layer: 'names', reason: 'endpoint_not_listed', subject: { kind: 'name', name } },
    ]);
  });

  it('includes all of them where the network is off', async () => {
    const { ask, asked } = sandbox({}, table([policy('site', [endpoint('a.test:443')])], 'block'));
    expect((await ask('a.test')).code).toBe(CODE.unknown);
    expect(asked).toEqual([]);
  });

  it('but localhost, which is here', async () => {
    const { ask, events } = sandbox();
    expect((await ask('localhost')).addresses).toEqual(['7f000001']);
    expect((await ask('x.localhost', AAAA)).addresses).toEqual(['00000000000000000000000000000001']);
    expect(events).toEqual([]);
  });
});

describe('a pattern', () => {
  it('allows short names only', async () => {
    const { ask, asked, events } = sandbox();
    expect((await ask(`${'x'.repeat(40)}.w.test`)).code).toBe(CODE.ok);
    expect((await ask(`${'x'.repeat(41)}.w.test`)).code).toBe(CODE.unknown);
    expect((await ask(`${'x'.repeat(40)}.${'y'.repeat(40)}.${'z'.repeat(40)}.deep.test`)).code).toBe(
      CODE.unknown,
    );
    expect(asked).toHaveLength(1);
    expect(events.map(({ reason }) => reason)).toEqual(['too_many_names', 'too_many_names']);
  });

  it('allows few new names, and those that are known always', async () => {
    const { ask, asked } = sandbox({ newNamesAtOnce: 3, newNamesPerSecond: 0 });
    const codes: number[] = [];
    for (let i = 0; i < 6; i += 1) codes.push((await ask(`n${i}.w.test`)).code);
    expect(codes).toEqual([0, 0, 0, 3, 3, 3]);
    expect(asked).toHaveLength(3);
    expect((await ask('n1.w.test', AAAA)).code).toBe(CODE.ok);
  });
});

describe('limits', () => {
  it('answers only so many at once', async () => {
    const { ask } = sandbox({ answering: 2 });
    const codes = (await Promise.all([ask('a.test'), ask('a.test'), ask('a.test')])).map(({ code }) => code);
    expect(codes).toEqual([CODE.ok, CODE.ok, CODE.failed]);
  });

  it('gives out only so many synthetic addresses', async () => {
    const { ask, events } = sandbox({ syntheticAddresses: 1 });
    expect((await ask('a.test')).code).toBe(CODE.unknown);
    expect(events).toMatchObject([{ reason: 'too_many_names' }]);
  });
});

describe('FrozenResolver', () => {
  it('resolves at the start and never again, whatever came of it', async () => {
    const answers = [ok(['203.0.113.1']), err('does not exist'), ok(['127.0.0.1'])];
    const asked: string[] = [];
    const lookup = async (name: string) => {
      asked.push(name);
      return answers.shift()!;
    };
    const frozen = new FrozenResolver({ lookup }, ['a.test', 'b.test']);
    expect(asked).toEqual(['a.test', 'b.test']);
    for (let i = 0; i < 2; i += 1) {
      expect(await frozen.lookup('a.test')).toEqual(ok(['203.0.113.1']));
      expect(await frozen.lookup('b.test')).toEqual(err('does not exist'));
    }
    expect(asked).toHaveLength(2);
  });

  it('keeps only so many names', async () => {
    const frozen = new FrozenResolver({ lookup: async () => ok(['203.0.113.1']) }, [], 1);
    expect((await frozen.lookup('a.test')).ok).toBe(true);
    expect((await frozen.lookup('b.test')).ok).toBe(false);
  });
});

describe('other rules', () => {
  it('say which names there are from then on; a name keeps its addresses', async () => {
    const { ask, dns } = sandbox();
    const before = (await ask('a.test')).addresses;
    dns.useIndex(buildIndex(table([policy('site', [endpoint('x.w.test:443')])])));
    expect((await ask('a.test')).code).toBe(CODE.unknown);
    expect((await ask('x.w.test')).code).toBe(CODE.ok);
    dns.useIndex(buildIndex(RULES));
    expect((await ask('a.test')).addresses).toEqual(before);
  });
});
