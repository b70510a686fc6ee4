import { describe, expect, it } from 'vitest';
import { decide } from '../../src/match/decide.ts';
import { decideRequest } from '../../src/match/decide-request.ts';
import { decideAgain, decideRequestAgain } from '../../src/match/decided-before.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import { normaliseHost } from '../../src/match/host.ts';
import type { BinaryIdentity } from '../../src/match/identity.ts';
import { compiled } from '../compile/compiled.ts';
import { inspected, request } from './requests.ts';
import { policy, table } from './tables.ts';

const POLICY = `version: 1
network_policies:
  a:
    endpoints: [{ host: a.test, ports: [80, 443] }, { host: b.test, port: 443 }]
    binaries: [/usr/bin/curl]
`;
const index = (text: string) => buildIndex(compiled(text).egress);
const program = (path: string): BinaryIdentity => ({
  pid: 1,
  executable: { path, sha256: null },
  ancestors: [],
});
const host = (text: string) => {
  const read = normaliseHost(text);
  if (!read.ok) throw new Error(read.error);
  return read.value;
};

describe('decideAgain', () => {
  const rules = index(POLICY);
  const curl = program('/usr/bin/curl');

  it('says what decide says, whatever was asked before', () => {
    const other = index(POLICY.replace('a.test', 'c.test'));
    const programs = [curl, program('/usr/bin/git'), program('/usr/bin/curl')];
    for (let round = 0; round < 2; round += 1)
      for (const identity of programs)
        for (const by of [rules, other, rules])
          for (const name of ['a.test', 'b.test', 'c.test', '10.0.0.1'])
            for (const port of [80, 443]) {
              const query = { host: host(name), port, identity };
              expect(decideAgain(by, query)).toEqual(decide(by, query));
              expect(decideAgain(by, query)).toEqual(decide(by, query));
            }
  });

  it('gives the same object again', () => {
    const query = { host: host('a.test'), port: 443, identity: curl };
    expect(decideAgain(rules, query)).toBe(decideAgain(rules, { ...query, host: host('A.test') }));
  });
});

describe('decideRequestAgain', () => {
  const rest = (rules: string[], host = 'a.test') =>
    buildIndex(table([policy('site', [inspected(`${host}:443,80`, rules, ['* /v1/secret/**'])])]));
  const rules = rest(['GET /v1/**']);
  const facts = ['GET /v1/a', 'POST /v1/a', 'GET /v1/a?b=c', 'GET /v1/secret/a', 'GET /v2'].map(request);

  it('says what decideRequest says, whatever was asked before', () => {
    const indexes = [rules, rest(['POST /v1/**']), rest(['GET /v1/**'], 'b.test'), rules];
    const programs = [program('/usr/bin/curl'), program('/usr/bin/git')];
    for (let round = 0; round < 2; round += 1)
      for (const identity of programs)
        for (const by of indexes)
          for (const name of ['a.test', 'b.test'])
            for (const port of [80, 443])
              for (const one of [...facts, ...facts]) {
                const query = { host: host(name), port, identity, facts: one };
                expect(decideRequestAgain(by, query)).toEqual(decideRequest(by, query));
              }
  });

  it('gives the same object for the same facts, and forgets when there are many', () => {
    const query = { host: host('a.test'), port: 443, identity: program('/usr/bin/curl') };
    const first = decideRequestAgain(rules, { ...query, facts: facts[0]! });
    expect(decideRequestAgain(rules, { ...query, facts: facts[0]! })).toBe(first);
    for (let i = 0; i < 200; i += 1) decideRequestAgain(rules, { ...query, facts: request(`GET /v1/${i}`) });
    const again = decideRequestAgain(rules, { ...query, facts: facts[0]! });
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
  });
});
