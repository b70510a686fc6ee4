import { describe, expect, it } from 'vitest';
import { decide } from '../../src/match/decide.ts';
import { decideAgain } from '../../src/match/decided-before.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import { normaliseHost } from '../../src/match/host.ts';
import type { BinaryIdentity } from '../../src/match/identity.ts';
import { compiled } from '../compile/compiled.ts';

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
