import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { err, ok } from '../../src/base/result.ts';
import { Destinations } from '../../src/egress/destination.ts';
import { Nat64Discovery } from '../../src/egress/nat64.ts';
import { decide } from '../../src/match/decide.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import { endpoint, host, identity, policy, table } from '../match/tables.ts';

const GLOBAL = parseAddress('2a00:1450:4001::1')!;

function network(names: Readonly<Record<string, readonly string[]>>) {
  const asked: string[] = [];
  const lookup = async (name: string) => {
    asked.push(name);
    const found = names[name];
    return found === undefined ? err('does not exist') : ok(found);
  };
  return { asked, resolver: { lookup } };
}

describe('the translation prefixes of a network', () => {
  it('are found in the addresses of a name that has none', async () => {
    const { resolver } = network({ 'ipv4only.arpa': ['192.0.0.170', '2a0a:6040:1:2:3:4:c000:aa'] });
    const discovery = new Nat64Discovery(resolver);
    await discovery.before([GLOBAL]);
    expect(discovery.known.map(({ text }) => text)).toEqual(['2a0a:6040:1:2:3:4::/96']);
  });

  it('are asked for once, and only when an IPv6 address would be let through', async () => {
    const { asked, resolver } = network({});
    const discovery = new Nat64Discovery(resolver);
    await discovery.before([parseAddress('203.0.113.1')!, parseAddress('fe80::1')!]);
    expect(asked).toEqual([]);
    await Promise.all([discovery.before([GLOBAL]), discovery.before([GLOBAL])]);
    await discovery.before([GLOBAL]);
    expect(asked).toEqual(['ipv4only.arpa']);
  });

  it.each([
    ['metadata', 'a9fe:a9fe', 'special_address'],
    ['loopback', '7f00:1', 'special_address'],
  ])('are no way to the %s of the host', async (_what, payload, reason) => {
    const { resolver } = network({
      'ipv4only.arpa': ['2a0a:6040:1:2:3:4:c000:aa'],
      'a.test': [`2a0a:6040:1:2:3:4:${payload}`],
    });
    const destinations = new Destinations({ resolver, nat64: new Nat64Discovery(resolver) });
    const index = buildIndex(table([policy('site', [endpoint('a.test:443')])]));
    const verdict = decide(index, { host: host('a.test'), port: 443, identity: identity('/usr/bin/curl') });
    if (verdict.kind === 'deny') throw new Error(verdict.message);
    const checked = await destinations.resolve(host('a.test'), 443, verdict.candidates);
    expect(checked).toMatchObject({ ok: false, error: { reason } });
  });
});
