import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../src/base/glob.ts';
import { decideRequest, type RequestWork } from '../../src/match/decide-request.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import type { RequestFacts } from '../../src/match/request-facts.ts';
import type { EgressEndpoint, EgressTable, RequestRule } from '../../src/plan/plan.ts';
import { inspected, request } from './requests.ts';
import { binary, endpoint, host, identity, policy, table } from './tables.ts';

const CURL = identity('/usr/bin/curl');
const API = 'api.test:443';

function judge(rules: EgressTable, text: string, who = CURL, work?: RequestWork) {
  return decideRequest(
    buildIndex(rules),
    { host: host('api.test'), port: 443, identity: who, facts: request(text) },
    work,
  );
}

/** `kind reason line`. */
function short(rules: EgressTable, text: string, who = CURL): string {
  const verdict = judge(rules, text, who);
  if (verdict.kind === 'unread') return `unread ${verdict.reading.kind}`;
  const reason = verdict.kind === 'allow' ? '' : `${verdict.reason} `;
  return `${verdict.kind} ${reason}${verdict.rule?.line ?? '-'}`;
}

const one = (...endpoints: EgressEndpoint[]): EgressTable => table([policy('api', endpoints)]);
const NOT_ALLOWED = 'deny request_not_allowed 10';
const DENIED = 'deny request_denied_by_rule 200';

describe('one rule', () => {
  it.each([
    ['GET /v1/**', 'GET /v1/a/b', true],
    ['GET /v1/**', 'get /v1/', true],
    ['GET /v1/**', 'GET /v1', false],
    ['GET /v1/**', 'HEAD /v1/a', true],
    ['GET /v1/**', 'OPTIONS /v1/a', false],
    ['GET /v1/**', 'POST /v1/a', false],
    ['POST /v1/**', 'HEAD /v1/a', false],
    ['* /v1/*', 'PURGE /v1/a', true],
    ['* /v1/*', 'GET /v1/a/b', false],
    ['* /v?/x', 'GET /v1/x', true],
    ['* /v?/x', 'GET /v/x', false],
    ['* /**/x', 'GET /x', true],
    ['* /**/x', 'GET /a/b/x', true],
    ['* /a/**/b/**/c', 'GET /a/1/2/b/c', true],
    ['* /a/**/b/**/c', 'GET /a/1/2/c', false],
    ['* /{a,b}/c', 'GET /b/c', true],
    ['* /[a-c]*z', 'GET /bz', true],
    ['* **', 'OPTIONS *', true],
    ['* /**', 'OPTIONS *', false],
    ['* /Case', 'GET /case', false],
    ['* /m%3A0', 'GET /m%3a0', true],
    ['* /m:0', 'GET /m%3A0', false],
    ['* /a', 'GET /x/../a', true],
    ['* **?n:tag=foo-*', 'GET /?tag=foo-a&tag=foo-b', true],
    ['* **?n:tag=foo-*', 'GET /?tag=foo-a&tag=evil', false],
    ['* **?n:tag=foo-*', 'GET /', false],
    ['* **?n:tag=foo-*|bar-*', 'GET /?tag=foo-a&tag=bar-b', true],
    ['* **?n:tag=one', 'GET /?tag=one&other=2', true],
    ['* **?n:tag=one', 'GET /?tag=one&tag=two', false],
    ['* **?n:tag=one|two', 'GET /?tag=two&tag=one', true],
    ['* **?n:v=*', 'GET /?v=1.2', false],
    ['* **?n:v=**', 'GET /?v=1.2', true],
    ['* **?n:a=1&b=x*', 'GET /?a=1&b=xy', true],
    ['* **?n:a=1&b=x*', 'GET /?a=1', false],
  ] as const)('allow %s: %s is %s', (text, asked, allowed) => {
    expect(short(one(inspected(API, [text])), asked)).toBe(allowed ? 'allow 100' : NOT_ALLOWED);
  });

  it.each([
    ['GET /x', 'HEAD /x', true],
    ['HEAD /x', 'GET /x', false],
    ['* /repos/*/rulesets', 'DELETE /repos/a/rulesets', true],
    ['* /repos/*/rulesets', 'DELETE /repos/a/other', false],
    ['* **?n:tag=evil', 'GET /?tag=a&tag=evil', true],
    ['* **?n:tag=evil', 'GET /', false],
    ['* **?n:a=1&b=2', 'GET /?a=1&b=2&b=3', true],
    ['* **?n:a=1&b=2', 'GET /?a=1', false],
    ['* /x:delete', 'GET /x%3Adelete', true],
    ['* /x%3Adelete', 'GET /x:delete', true],
    ['* /x%2A', 'GET /x*', true],
    ['* /a/b', 'GET /a%2Fb', true],
    ['* /a%2Fb', 'GET /a%2Fb', true],
    ['* /a%2Fb:c', 'GET /a%2Fb%3Ac', true],
    ['* /x', 'GET /x%3By', true],
    ['* /x/**', 'GET /x%3by/z', true],
    ['* /x', 'GET /x%3Fy', true],
    ['* /x', 'GET /x%23', true],
    ['* /xyz', 'GET /%2578yz', true],
    ['* /x', 'GET /y/%252e%252e/x', true],
    ['* /y', 'GET /x%3By', false],
    ['* /a/b', 'GET /a%5Cb', true],
    ['* /a/b', 'GET /a%2F%2Fb', true],
  ] as const)('deny %s: %s is %s', (text, asked, denied) => {
    const rules = one(inspected(API, ['* **'], [text], { allowEncodedSlash: true }));
    expect(short(rules, asked)).toBe(denied ? DENIED : 'allow 100');
  });
});

describe('the order of the decision', () => {
  const open = inspected(API, ['* **']);
  it.each([
    ['a deny rule of another endpoint holds', one(open, inspected(API, [], ['* /x'])), DENIED],
    ['an allow rule of another endpoint does', one(inspected(API, []), open), 'allow 100'],
    [
      'a deny rule of an endpoint with a path',
      one(open, inspected(API, [], ['* **'], { path: '/x' })),
      DENIED,
    ],
    ['not beyond its path', one(open, inspected(API, [], ['* **'], { path: '/y' })), 'allow 100'],
    ['nor for another host', one(open, inspected('b.test:443', [], ['* **'])), 'allow 100'],
    ['nor another port', one(open, inspected('api.test:80', [], ['* **'])), 'allow 100'],
    ['by a pattern for hosts', one(open, inspected('*.test:443', [], ['* **'])), DENIED],
    ['what judges nothing allows nothing', one(endpoint(API), inspected(API, ['GET /y'])), NOT_ALLOWED],
    ['no endpoint judges', one(endpoint(API)), 'deny request_not_allowed -'],
    [
      'no path covers it',
      one(inspected(API, ['* **'], [], { path: '/y', enforcement: 'audit' })),
      NOT_ALLOWED,
    ],
    ['audit', one(inspected(API, [], [], { enforcement: 'audit' })), 'audit request_not_allowed 10'],
    [
      'audit of a deny rule',
      one(inspected(API, ['* **'], ['* /x'], { enforcement: 'audit' })),
      'audit request_denied_by_rule 200',
    ],
    [
      'the most specific enforces',
      one(inspected(API, [], [], { enforcement: 'audit' }), inspected(API, [], [], { path: '/x' })),
      NOT_ALLOWED,
    ],
    [
      'the most specific audits',
      one(inspected(API, []), inspected(API, [], [], { path: '/x', enforcement: 'audit' })),
      'audit request_not_allowed 10',
    ],
    [
      'of equals the stricter one',
      one(inspected(API, [], [], { enforcement: 'audit' }), inspected(API, [])),
      NOT_ALLOWED,
    ],
    [
      'rules of another protocol allow nothing',
      one(open, inspected(API, [], [], { path: '/x', protocol: 'graphql' })),
      NOT_ALLOWED,
    ],
    ['a pattern that cannot be read allows nothing', one(inspected(API, ['* /[x'])), NOT_ALLOWED],
    ['and denies everything', one(inspected(API, ['* **'], ['* /[y'])), DENIED],
    ['as a selector too', one(open, inspected(API, [], ['* **'], { path: '/[y' })), DENIED],
    ['the network is off', { ...one(open), mode: 'block' as const }, 'deny request_not_allowed -'],
  ])('%s', (_what, rules, expected) => {
    expect(short(rules, 'GET /x')).toBe(expected);
  });

  it('knows only endpoints that are meant for the program', () => {
    const rules = table([
      policy('a', [inspected(API, [], ['* **'])], [binary('/bin/other')]),
      policy('b', [inspected(API, ['GET /x'])], [binary('/usr/bin/curl')]),
    ]);
    expect(short(rules, 'GET /x')).toBe('allow 100');
    expect(short(rules, 'GET /x', identity('/bin/other'))).toBe(DENIED);
    expect(short(rules, 'GET /x', identity('/bin/none'))).toBe('deny request_not_allowed -');
  });

  it('never lends `allow_encoded_slash` to another endpoint, nor audits without it', () => {
    const slash = inspected(API, ['GET /a/*'], [], { path: '/a/**', allowEncodedSlash: true });
    const rules = one(slash, inspected(API, ['* **'], [], { enforcement: 'audit' }));
    expect(short(rules, 'GET /a/b%2Fc')).toBe('allow 100');
    expect(short(rules, 'POST /a/b%2Fc')).toBe(NOT_ALLOWED);
    expect(short(rules, 'POST /a/b')).toBe('allow 100');
    expect(short(rules, 'GET /z/b%2Fc')).toBe('deny path_invalid 10');
  });

  it('names what decided, and no query', () => {
    const verdict = judge(one(inspected(API, ['GET /y'], ['POST /x'])), 'POST /x?token=secret');
    expect(verdict).toMatchObject({
      message: 'a deny rule of policy `api` is about POST `/x`',
      rule: { policy: 'api', index: 0, line: 200 },
      selected: { rule: { policy: 'api', index: 0, line: 10 }, policyName: 'api' },
    });
  });
});

/** The same, by looking at every rule. */
function scan(rules: EgressTable, facts: RequestFacts): string {
  const test = (pattern: string, path: string) => {
    const glob = compileGlob(pattern, '/');
    return glob.ok && glob.value.test(path);
  };
  const fits =
    (deny: boolean) =>
    (one: RequestRule): boolean =>
      test(one.path, facts.path) &&
      (one.method === '*' ||
        one.method === facts.method ||
        (one.method === 'GET' && facts.method === 'HEAD')) &&
      one.query.every(({ name, anyOf }) => {
        const matches = (value: string) =>
          anyOf.some((pattern) => {
            const glob = compileGlob(pattern, '.');
            return glob.ok && glob.value.test(value);
          });
        const values = facts.query.get(name) ?? [];
        return values.length > 0 && (deny ? values.some(matches) : values.every(matches));
      });
  const all = rules.policies
    .filter(({ binaries }) =>
      binaries.some(({ pattern }) => pattern === '/**' || pattern === '/usr/bin/curl'),
    )
    .flatMap(({ endpoints }) => endpoints.flatMap(({ inspection }) => inspection ?? []))
    .filter(({ path }) => path === null || test(path, facts.path));
  if (all.length === 0) return 'deny';
  const rank = (path: string | null) => (path ?? '').replaceAll('*', '').length;
  const top = Math.max(...all.map(({ path }) => rank(path)));
  const enforce = all.some(({ path, enforcement }) => rank(path) === top && enforcement === 'enforce');
  const refused = enforce ? 'deny' : 'audit';
  if (all.some(({ deny }) => deny.some(fits(true)))) return refused;
  return all.some(({ allow }) => allow.some(fits(false))) ? 'allow' : refused;
}

describe('the index', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab', '*', '**', 'a*', '*b', '?', '[ab]', '{a,b}', '{a,b}*', ''), {
      minLength: 1,
      maxLength: 5,
    })
    .map((parts) => `/${parts.join('/')}`);
  const query = fc.constantFrom('', '?n:q=1', '?n:q=1|2', '?n:q=*', '?n:r=2&q=1', '?n:q=1*|2');
  const text = fc
    .tuple(fc.constantFrom('GET', 'POST', 'HEAD', '*'), fc.oneof(path, fc.constant('**')), query)
    .map(([method, pattern, parameters]) => `${method} ${pattern}${parameters}`);
  const some = fc
    .tuple(
      fc.array(text, { maxLength: 6 }),
      fc.array(text, { maxLength: 2 }),
      fc.option(path),
      fc.constantFrom('enforce' as const, 'audit' as const),
    )
    .map(([allow, deny, selector, enforcement]) =>
      inspected(API, allow, deny, { path: selector, enforcement }),
    );
  const rules = fc
    .array(fc.tuple(fc.array(some, { maxLength: 3 }), fc.constantFrom('/**', '/usr/bin/curl', '/bin/x')), {
      maxLength: 22,
    })
    .map((policies) => table(policies.map(([list, who], i) => policy(`p${i}`, list, [binary(who)]))));
  const asked = fc
    .tuple(
      fc.constantFrom('GET', 'HEAD', 'POST'),
      fc.array(fc.constantFrom('a', 'b', 'ab', 'abb', 'c'), { maxLength: 5 }),
      fc.constantFrom('', '/'),
      fc.constantFrom('', '?q=1', '?q=1&q=2', '?q=2&r=2&q=1', '?q=12', '?r=1'),
    )
    .map(([method, parts, end, suffix]) => `${method} /${parts.join('/')}${end}${suffix}`);

  it('says what a look at every rule says', () => {
    fc.assert(
      fc.property(rules, asked, (some, line) => {
        expect(judge(some, line).kind).toBe(scan(some, request(line)));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the work of a decision', () => {
  const work = (rules: EgressTable, text: string, who = CURL): number => {
    const done: RequestWork = { steps: 0 };
    judge(rules, text, who, done);
    return done.steps;
  };
  const range = <T>(count: number, make: (i: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => make(i));
  const rulesOf = (make: (i: number) => string) => (count: number) => one(inspected(API, range(count, make)));

  it.each([
    ['literal paths', rulesOf((i) => `GET /v1/r${i}/x`), 'GET /v1/r7/x'],
    ['misses', rulesOf((i) => `GET /v1/r${i}/x`), 'GET /nothing'],
    ['wildcards below literals', rulesOf((i) => `GET /r${i}/*/x/**`), 'GET /r7/a/x/b'],
    ['partial components', rulesOf((i) => `GET /r${i + 1000}-*`), 'GET /r1007-a'],
    ['after `**`', rulesOf((i) => `GET /**/r${i}`), 'GET /a/b/r7'],
    ['parameters', rulesOf((i) => `GET /x?n:id=${i}`), 'GET /x?id=7'],
    ['equal rules', rulesOf(() => 'GET /**'), 'GET /x'],
    [
      'endpoints by path',
      (count: number) => one(...range(count, (i) => inspected(API, ['* **'], [], { path: `/s${i}/**` }))),
      'GET /s7/x',
    ],
    [
      'policies for other programs',
      (count: number) =>
        table(range(count, (i) => policy(`p${i}`, [inspected(API, ['* **'])], [binary(`/bin/b${i}`)]))),
      'GET /x',
      identity('/bin/b7'),
    ],
    [
      'policies for every program',
      (count: number) => table(range(count, (i) => policy(`p${i}`, [inspected(API, [`GET /r${i}`])]))),
      'GET /r7',
    ],
    [
      'deny rules',
      (count: number) =>
        one(
          inspected(
            API,
            ['* **'],
            range(count, (i) => `* /admin/r${i}`),
          ),
        ),
      'GET /admin/x',
    ],
  ])('is the same for twenty and for 5,000 (%s)', (_what, make, text, who = CURL) => {
    expect(work(make(5000), text, who)).toBeLessThanOrEqual(work(make(20), text, who) + 4);
  });
});
