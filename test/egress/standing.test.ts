import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { err } from '../../src/base/result.ts';
import { ConnectToTable, parseConnectTo } from '../../src/egress/connect-to.ts';
import { Destinations } from '../../src/egress/destination.ts';
import { type Standing, stillAllowed } from '../../src/egress/standing.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import type { EgressPolicy } from '../../src/plan/plan.ts';
import { binary, endpoint, host, identity, policy, table } from '../match/tables.ts';

const INSPECTION = {
  protocol: 'rest',
  tls: 'terminate',
  enforcement: 'enforce',
  allowEncodedSlash: false,
  path: null,
  allow: [],
  deny: [],
  messages: null,
  credential: null,
} as const;

function stays(policies: EgressPolicy[], more: Partial<Standing> = {}, connectTo: string[] = []): boolean {
  const entries = connectTo.map((text) => {
    const entry = parseConnectTo(text);
    if (!entry.ok) throw new Error(entry.error);
    return entry.value;
  });
  const destinations = new Destinations({
    resolver: { lookup: async () => err('is not asked for') },
    connectTo: new ConnectToTable(entries),
  });
  const standing: Standing = {
    host: host('a.test'),
    port: 443,
    address: parseAddress('1.2.3.4')!,
    identity: identity('/usr/bin/curl'),
    inspected: false,
    ...more,
  };
  return stillAllowed(buildIndex(table(policies)), destinations, standing) !== null;
}

describe('what was allowed', () => {
  it.each<[string, EgressPolicy[], boolean]>([
    ['lists it', [policy('p', [endpoint('a.test:443')])], true],
    ['lists it by a pattern', [policy('p', [endpoint('*.test:443')])], true],
    ['lists another port', [policy('p', [endpoint('a.test:80')])], false],
    ['lists another host', [policy('p', [endpoint('b.test:443')])], false],
    ['is for another program', [policy('p', [endpoint('a.test:443')], [binary('/usr/bin/wget')])], false],
    ['has nothing', [], false],
    [
      'asks for other addresses',
      [policy('p', [endpoint('a.test:443', { allowedIps: ['192.0.2.0/24'] })])],
      false,
    ],
    ['wants to look into it', [policy('p', [endpoint('a.test:443', { inspection: INSPECTION })])], false],
  ])('by a policy that %s: %#', (_what, policies, expected) => {
    expect(stays(policies)).toBe(expected);
  });

  it('goes on where its requests are judged one by one, if that is wanted or not', () => {
    for (const inspection of [INSPECTION, null])
      expect(stays([policy('p', [endpoint('a.test:443', { inspection })])], { inspected: true })).toBe(true);
    expect(stays([policy('p', [endpoint('b.test:443')])], { inspected: true })).toBe(false);
  });

  it('at a private address goes on while a rule names the host exactly', () => {
    const address = parseAddress('10.0.0.1')!;
    expect(stays([policy('p', [endpoint('a.test:443')])], { address })).toBe(true);
    expect(stays([policy('p', [endpoint('*.test:443')])], { address })).toBe(false);
  });

  it('goes on at the address that the operator vouches for, by that host and port alone', () => {
    const address = parseAddress('127.0.0.1')!;
    const rules = [policy('p', [endpoint('*.test:443,80')])];
    const vouched = ['a.test:443:127.0.0.1:9000'];
    expect(stays(rules, { address }, vouched)).toBe(true);
    expect(stays(rules, { address, port: 80 }, vouched)).toBe(false);
    expect(stays(rules, { address })).toBe(false);
  });
});
