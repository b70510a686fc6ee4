import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../src/base/glob.ts';
import { decide, decideForAny } from '../../src/match/decide.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import type { BinaryIdentity } from '../../src/match/identity.ts';
import type { EgressTable } from '../../src/plan/plan.ts';
import { binary, endpoint, host, identity, policy, table } from './tables.ts';

const CURL = identity('/usr/bin/curl');

function ask(rules: EgressTable, to: string, who: BinaryIdentity = CURL): string {
  const colon = to.lastIndexOf(':');
  const query = { host: host(to.slice(0, colon)), port: Number(to.slice(colon + 1)), identity: who };
  const verdict = decide(buildIndex(rules), query);
  if (verdict.kind === 'deny') return verdict.reason;
  return verdict.candidates.map(({ rule }) => `${rule.policy}[${rule.index}]`).join(' ');
}

const RULES = table([
  policy('git', [endpoint('github.com:22,443')], [binary('/usr/bin/git')]),
  policy('aws', [endpoint('*.s3.*.amazonaws.com:443'), endpoint('**.example.com:443')]),
  policy('web', [endpoint('api.example.com:80,443'), endpoint('10.0.0.5:8080'), endpoint('2001:db8::1:80')]),
  policy('lan', [endpoint(':5432', { allowedIps: ['10.0.0.0/8'] })]),
]);

describe('decide', () => {
  it.each([
    ['api.example.com:443', 'aws[1] web[0]'],
    ['api.example.com:80', 'web[0]'],
    ['API.EXAMPLE.COM.:80', 'web[0]'],
    ['a.b.example.com:443', 'aws[1]'],
    ['example.com:443', 'endpoint_not_listed'],
    ['a.b.example.com:80', 'endpoint_not_listed'],
    ['b.s3.eu.amazonaws.com:443', 'aws[0]'],
    ['10.0.0.5:8080', 'web[1]'],
    ['[::ffff:10.0.0.5]:8080', 'web[1]'],
    ['10.0.0.6:8080', 'endpoint_not_listed'],
    ['[2001:db8:0::1]:80', 'web[2]'],
    ['anything.test:5432', 'lan[0]'],
    ['8.8.8.8:5432', 'lan[0]'],
    ['github.com:443', 'binary_not_listed'],
    ['github.com:80', 'endpoint_not_listed'],
    ['unlisted.test:443', 'endpoint_not_listed'],
  ])('answers %s with %s', (to, expected) => {
    expect(ask(RULES, to)).toBe(expected);
  });

  it('lets an ancestor carry the permission', () => {
    expect(
      ask(RULES, 'github.com:443', identity('/usr/lib/git-core/git-remote-https', ['/usr/bin/git'])),
    ).toBe('git[0]');
  });

  it('denies everything when there are no policies, and everything when the network is off', () => {
    expect(ask(table([]), 'api.example.com:443')).toBe('no_policies');
    expect(ask({ ...RULES, mode: 'block' }, 'api.example.com:443')).toBe('network_off');
  });

  it('denies what policies without binaries or endpoints list', () => {
    expect(ask(table([policy('a', [endpoint('x.test:1')], [])]), 'x.test:1')).toBe('binary_not_listed');
    expect(ask(table([policy('a', [])]), 'x.test:1')).toBe('endpoint_not_listed');
  });

  it('asks the policy with the smallest key first, then the endpoints in their order', () => {
    const rules = table([
      policy('b', [endpoint('x.test:1')]),
      policy('a', [endpoint('**.test:1'), endpoint('x.test:1')]),
      policy('B', [endpoint('x.test:1')]),
    ]);
    expect(ask(rules, 'x.test:1')).toBe('B[0] a[0] a[1] b[0]');
  });

  it('never lets a pattern match an address', () => {
    const rules = table([policy('a', [endpoint('*.0.0.1:1'), endpoint('**.0.1:1')])]);
    expect(ask(rules, '127.0.0.1:1')).toBe('endpoint_not_listed');
  });

  it('does not mix the binaries of one policy with the endpoints of another', () => {
    const rules = table([
      policy('a', [endpoint('x.test:1')], [binary('/bin/python')]),
      policy('b', [endpoint('y.test:1')], [binary('/bin/curl')]),
    ]);
    expect(ask(rules, 'y.test:1', identity('/bin/python'))).toBe('binary_not_listed');
    expect(ask(rules, 'x.test:1', identity('/bin/python'))).toBe('a[0]');
  });

  it('allows nothing by rows that cannot be compiled, and reports them', () => {
    const rules = table([
      policy(
        'a',
        [
          endpoint('a.**.test:1'),
          endpoint('x.test:1', { allowedIps: ['rubbish'] }),
          endpoint(':1'),
          endpoint('X.test:1'),
          endpoint('127.1:1'),
        ],
        [binary('/bin/['), binary('/**')],
      ),
    ]);
    const index = buildIndex(rules);
    expect(index.problems).toHaveLength(6);
    const verdict = decide(index, { host: host('x.test'), port: 1, identity: CURL });
    expect(
      verdict.kind === 'allow' && verdict.candidates.map(({ addressPlan }) => addressPlan.allowed),
    ).toEqual([[]]);
  });

  it('says which program was granted by which entry', () => {
    const verdict = decide(buildIndex(RULES), {
      host: host('github.com'),
      port: 22,
      identity: identity('/x', ['/usr/bin/git']),
    });
    expect(verdict.kind === 'allow' && verdict.candidates[0]).toMatchObject({
      rule: { policy: 'git', index: 0, line: 10 },
      granted: { path: '/usr/bin/git', binary: { pattern: '/usr/bin/git' } },
    });
  });
});

describe('decideForAny', () => {
  it('asks for whichever program a policy names, and for none when it names none', () => {
    const index = buildIndex(table([...RULES.policies, policy('none', [endpoint('z.test:1')], [])]));
    expect(decideForAny(index, { host: host('github.com'), port: 443 }).kind).toBe('allow');
    expect(decideForAny(index, { host: host('github.com'), port: 80 }).kind).toBe('deny');
    expect(decideForAny(index, { host: host('z.test'), port: 1 })).toMatchObject({
      reason: 'binary_not_listed',
    });
  });
});

/** What `decide` means, by reading every rule. */
function naive(rules: EgressTable, name: string, port: number, who: BinaryIdentity): string {
  const allowed: string[] = [];
  const programs = [who.executable, ...who.ancestors];
  for (const { key, endpoints, binaries } of [...rules.policies].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const granted = binaries.some((entry) =>
      programs.some((program, i) => {
        const glob = compileGlob(entry.pattern, '/');
        const path = (glob.ok && glob.value.test(program.path)) || entry.resolved === program.path;
        return path && (i === 0 || entry.ancestors) && (entry.sha256 ?? program.sha256) === program.sha256;
      }),
    );
    for (const { index, host: pattern, hostKind, ports, allowedIps } of endpoints) {
      const pieces = pattern.split('.').map((label) => {
        if (label === '**') return '[^.]+(?:\\.[^.]+)*';
        return label === '*' ? '[^.]+' : label.replaceAll('*', '[^.]*');
      });
      const fits =
        hostKind === 'any' ? allowedIps.length > 0 : new RegExp(`^${pieces.join('\\.')}$`).test(name);
      if (granted && fits && ports.includes(port)) allowed.push(`${key}[${index}]`);
    }
  }
  return allowed.join(' ');
}

describe('decide and a linear scan', () => {
  const label = fc.constantFrom('a', 'b', 'c');
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
  const pattern = fc
    .tuple(
      fc.constantFrom('*', '**', 'a*', '*b', 'a'),
      fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 2 }),
    )
    .map(([first, rest]) => [first, ...rest].join('.'))
    .filter((text) => text.includes('*'));
  const port = fc.constantFrom(1, 2, 3);
  const ports = fc.uniqueArray(port, { minLength: 1, maxLength: 3 });
  const anEndpoint = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.tuple(fc.oneof(name, pattern), ports).map(([text, list]) => endpoint(`${text}:${list}`)),
    },
    { weight: 1, arbitrary: ports.map((list) => endpoint(`:${list}`, { allowedIps: ['10.0.0.0/8'] })) },
  );
  const path = fc.constantFrom('/bin/a', '/bin/b', '/usr/a', '/x');
  const sha = fc.constantFrom('1'.repeat(64), '2'.repeat(64));
  const aBinary = fc
    .record({
      pattern: fc.oneof(path, fc.constantFrom('/bin/*', '/**', '/*/a')),
      resolved: fc.option(path),
      ancestors: fc.boolean(),
      sha256: fc.option(sha),
    })
    // A link is an exact path.
    .map((entry) => (entry.pattern.includes('*') ? { ...entry, resolved: null } : entry));
  const aPolicy = fc.tuple(fc.array(anEndpoint, { maxLength: 4 }), fc.array(aBinary, { maxLength: 3 })).map(
    ([endpoints, binaries]) =>
      (key: string) =>
        policy(key, endpoints, binaries),
  );
  const program = fc.record({ path, sha256: sha });

  it.each([
    ['few rules', 6],
    ['many rules on few hosts', 60],
  ])('agree, candidate by candidate (%s)', (_what, size) => {
    fc.assert(
      fc.property(
        fc.array(aPolicy, { maxLength: size, size: 'max' }),
        fc.array(fc.tuple(name, port, program, fc.array(program, { maxLength: 2 })), {
          minLength: 5,
          maxLength: 5,
        }),
        (make, queries) => {
          const rules = table(make.map((one, i) => one(`p${(i * 7) % 61}`)));
          const index = buildIndex(rules);
          for (const [to, at, executable, ancestors] of queries) {
            const who = { pid: 1, executable, ancestors };
            const verdict = decide(index, { host: host(to), port: at, identity: who });
            const keys =
              verdict.kind === 'deny'
                ? ''
                : verdict.candidates.map(({ rule }) => `${rule.policy}[${rule.index}]`).join(' ');
            expect(keys).toBe(naive(rules, to, at, who));
          }
        },
      ),
      { numRuns: size > 10 ? 150 : 500 },
    );
  });
});
