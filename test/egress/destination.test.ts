import { describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { ConnectToTable, parseConnectTo } from '../../src/egress/connect-to.ts';
import { type Candidates, Destinations } from '../../src/egress/destination.ts';
import { Nat64Discovery } from '../../src/egress/nat64.ts';
import { decide } from '../../src/match/decide.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import type { EgressEndpoint } from '../../src/plan/plan.ts';
import { endpoint, host, identity, policy, table } from '../match/tables.ts';

const answering = (...addresses: string[]) => {
  const asked: string[] = [];
  return {
    asked,
    lookup: async (name: string) => {
      asked.push(name);
      return ok(addresses);
    },
  };
};

/** Candidates for a destination under rules of one policy each: p0, p1 ... */
function candidates(to: string, ...endpoints: EgressEndpoint[]): Candidates {
  const rules = table(endpoints.map((one, i) => policy(`p${i}`, [one])));
  const colon = to.lastIndexOf(':');
  const query = {
    host: host(to.slice(0, colon)),
    port: Number(to.slice(colon + 1)),
    identity: identity('/x'),
  };
  const verdict = decide(buildIndex(rules), query);
  if (verdict.kind === 'deny') throw new Error(verdict.message);
  return verdict.candidates;
}

describe('Destinations', () => {
  it('gives every address of a name that passes, once, in order', async () => {
    const resolver = answering('2001:4860::1', '8.8.8.8', '::ffff:8.8.8.8');
    const result = await new Destinations({ resolver }).resolve(
      host('a.test'),
      443,
      candidates('a.test:443', endpoint('a.test:443')),
    );
    expect(result.ok && result.value.targets.map(({ address, port }) => `${address.text} ${port}`)).toEqual([
      '2001:4860::1 443',
      '8.8.8.8 443',
    ]);
  });

  it.each([
    ['one bad address among good ones', ['8.8.8.8', '127.0.0.1'], 'special_address', '127.0.0.1'],
    ['a link-local address with its zone', ['fe80::1%eth0'], 'special_address', 'fe80::1%eth0'],
    ['text that is no address', ['rubbish'], 'special_address', 'rubbish'],
    ['a metadata service behind NAT64', ['64:ff9b::a9fe:a9fe'], 'special_address', '64:ff9b::a9fe:a9fe'],
    ['no address', [], 'name_not_resolved', undefined],
  ])('refuses %s', async (_what, addresses, reason, address) => {
    const destinations = new Destinations({ resolver: answering(...addresses) });
    const result = await destinations.resolve(
      host('a.test'),
      443,
      candidates('a.test:443', endpoint('a.test:443')),
    );
    expect(result.ok ? 'accepted' : [result.error.reason, result.error.address?.text]).toEqual([
      reason,
      address,
    ]);
  });

  it('does not resolve an address, and judges it like any other', async () => {
    const resolver = answering('8.8.8.8');
    const destinations = new Destinations({ resolver });
    const good = await destinations.resolve(
      host('10.0.0.1'),
      80,
      candidates('10.0.0.1:80', endpoint('10.0.0.1:80')),
    );
    expect(good.ok && good.value.targets[0]?.address.text).toBe('10.0.0.1');
    const bad = await destinations.resolve(
      host('127.0.0.1'),
      80,
      candidates('127.0.0.1:80', endpoint('127.0.0.1:80')),
    );
    expect(bad.ok ? '' : bad.error.reason).toBe('special_address');
    expect(resolver.asked).toEqual([]);
  });

  it('takes the first endpoint whose addresses these may be, and names the first when none may', async () => {
    const pattern = endpoint('*.test:80');
    const exact = endpoint('a.test:80');
    const lan = endpoint(':80', { allowedIps: ['10.0.0.0/8'] });
    const choose = async (address: string, ...endpoints: EgressEndpoint[]) => {
      const destinations = new Destinations({ resolver: answering(address) });
      const result = await destinations.resolve(host('a.test'), 80, candidates('a.test:80', ...endpoints));
      return result.ok
        ? result.value.candidate.rule.policy
        : `${result.error.reason} ${result.error.candidate.rule.policy}`;
    };
    expect(await choose('8.8.8.8', pattern, exact)).toBe('p0');
    expect(await choose('10.0.0.1', pattern, exact)).toBe('p1');
    expect(await choose('10.0.0.1', lan, exact)).toBe('p0');
    expect(await choose('192.168.0.1', lan, pattern)).toBe('address_not_listed p0');
    expect(await choose('169.254.169.254', pattern, exact, lan)).toBe('special_address p0');
  });

  it('lets --connect-to vouch for an address, for exactly that host and port, without a lookup', async () => {
    const vouched = parseConnectTo('a.test:443:127.0.0.1:8443');
    const resolver = answering('127.0.0.1');
    const connectTo = new ConnectToTable(vouched.ok ? [vouched.value] : []);
    const destinations = new Destinations({ resolver, connectTo });
    const rules = endpoint('a.test:443,80');
    const to443 = await destinations.resolve(host('a.test'), 443, candidates('a.test:443', rules));
    expect(
      to443.ok && [to443.value.vouched, to443.value.targets[0]?.address.text, to443.value.targets[0]?.port],
    ).toEqual([true, '127.0.0.1', 8443]);
    expect(resolver.asked).toEqual([]);
    expect((await destinations.resolve(host('a.test'), 80, candidates('a.test:80', rules))).ok).toBe(false);
  });

  it('reads addresses behind the translation prefixes of this network', async () => {
    const resolver = answering('2001:db8:64::a00:1');
    const to = candidates('x.a.test:443', endpoint('*.a.test:443'));
    const nat64 = new Nat64Discovery(answering('192.0.0.170', '2001:db8:64::192.0.0.170'));
    const result = await new Destinations({ resolver, nat64 }).resolve(host('x.a.test'), 443, to);
    expect(result.ok ? '' : result.error.detail).toContain('NAT64 of 10.0.0.1');
  });
});
