import { describe, expect, it } from 'vitest';
import { decide, type Work } from '../../src/match/decide.ts';
import { buildIndex, listsHost } from '../../src/match/egress-index.ts';
import type { BinaryIdentity } from '../../src/match/identity.ts';
import type { EgressTable } from '../../src/plan/plan.ts';
import { binary, endpoint, host, identity, policy, table } from './tables.ts';

const CURL = identity('/usr/bin/curl');

const RULES = table([
  policy('git', [endpoint('github.com:22,443')], [binary('/usr/bin/git')]),
  policy('aws', [endpoint('*.s3.*.amazonaws.com:443'), endpoint('**.example.com:443')]),
  policy('web', [endpoint('api.example.com:80,443'), endpoint('10.0.0.5:8080'), endpoint('2001:db8::1:80')]),
  policy('lan', [endpoint(':5432', { allowedIps: ['10.0.0.0/8'] })]),
]);

describe('listsHost', () => {
  it.each([
    ['github.com', true],
    ['x.example.com', true],
    ['example.com', false],
    ['10.0.0.5', true],
  ])('%s: %s', (name, expected) => {
    const rules = table(RULES.policies.filter(({ key }) => key !== 'lan'));
    expect(listsHost(buildIndex(rules), host(name))).toBe(expected);
    expect(listsHost(buildIndex(RULES), host(name))).toBe(true);
    expect(listsHost(buildIndex({ ...RULES, mode: 'block' }), host(name))).toBe(false);
  });
});

describe('the work of a decision', () => {
  const work = (rules: EgressTable, to: string, who: BinaryIdentity = CURL): Work => {
    const done: Work = { endpoints: 0, steps: 0 };
    decide(buildIndex(rules), { host: host(to), port: 443, identity: who }, done);
    return done;
  };
  const many = (count: number, make: (i: number) => ReturnType<typeof policy>) =>
    table(Array.from({ length: count }, (_, i) => make(i)));

  it.each([
    [
      'exact names',
      (i: number) => policy(`p${i}`, [endpoint(`h${i}.example.com:443`)]),
      'h7.example.com',
      CURL,
    ],
    [
      'wildcards',
      (i: number) => policy(`p${i}`, [endpoint(`*.h${i}.example.com:443`)]),
      'a.h7.example.com',
      CURL,
    ],
    [
      'first-label patterns',
      (i: number) => policy(`p${i}`, [endpoint(`h${i}-*.example.com:443`)]),
      'h7-a.example.com',
      CURL,
    ],
    ['ports', (i: number) => policy(`p${i}`, [endpoint(`a.example.com:${443 + i}`)]), 'a.example.com', CURL],
    [
      'addresses',
      (i: number) => policy(`p${i}`, [endpoint(`10.0.${i >> 8}.${i & 255}:443`)]),
      '10.0.0.7',
      CURL,
    ],
    ['misses', (i: number) => policy(`p${i}`, [endpoint(`h${i}.example.com:443`)]), 'nothing.test', CURL],
    [
      'binaries of one host',
      (i: number) => policy(`p${i}`, [endpoint('a.example.com:443')], [binary(`/bin/b${i}`)]),
      'a.example.com',
      identity('/bin/b7'),
    ],
    [
      'a host that twenty of many policies list',
      (i: number) => policy(`p${i}`, [endpoint(i < 20 ? 'a.example.com:443' : `h${i}.example.com:443`)]),
      'a.example.com',
      CURL,
    ],
  ] as const)('is the same for twenty and for 10,000 rules (%s)', (_what, make, to, who) => {
    const small = work(many(20, make), to, who);
    const large = work(many(10_000, make), to, who);
    expect(large.endpoints).toBeLessThanOrEqual(Math.max(1, small.endpoints));
    // One more step for each further length of a fixed end that occurs, never one for each rule.
    expect(large.steps).toBeLessThanOrEqual(small.steps + 4);
  });
});
