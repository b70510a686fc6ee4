import fc from 'fast-check';
import { describe, it, vi } from 'vitest';
import { corpus } from './corpus.ts';
import { expectSpansInside } from './spans.ts';

// Much work on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const texts = corpus('good').map(({ text }) => text);

/** One change to a text: remove, double or replace a stretch, or put something in. */
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat({ max: 30 }),
  kind: fc.constantFrom('remove', 'double', 'replace'),
  inserted: fc.constantFrom(
    '',
    '\n',
    '  ',
    '- ',
    ': ',
    '"',
    '[',
    ']',
    '{',
    '}',
    '#',
    '*',
    '~',
    'null',
    '1',
    '\0',
    '\u202e',
    'é',
    '&a ',
    '*a',
    '\t',
    '${',
    '..',
    '**',
  ),
});

function apply(
  text: string,
  { at, length, kind, inserted }: typeof change extends fc.Arbitrary<infer T> ? T : never,
): string {
  const start = Math.floor(at * text.length);
  const stretch = text.slice(start, start + length);
  const rest = text.slice(start + length);
  const kept = { remove: '', double: stretch + stretch, replace: stretch }[kind] ?? '';
  return text.slice(0, start) + kept + inserted + rest;
}

describe('a valid policy that was changed somewhere', () => {
  it('is read or refused, never more, and complaints stay inside it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (text, changes) => {
          expectSpansInside(changes.reduce(apply, text));
        },
      ),
      { numRuns: 800 },
    );
  });
});

/** Values of any kind under the keys of the language, at places where they belong or not. */
const KEYS = [
  'version',
  'filesystem_policy',
  'read_only',
  'process',
  'seccomp',
  'allow',
  'network_policies',
  'p',
  'endpoints',
  'host',
  'port',
  'ports',
  'protocol',
  'rules',
  'deny_rules',
  'method',
  'path',
  'query',
  'tool',
  'binaries',
  'allowed_ips',
  'mcp',
  'expect',
  'connect',
  'limits',
  'memory',
  '__proto__',
  'x',
];
const WORDS = [
  'a.example.com',
  '*.example.com',
  'rest',
  'mcp',
  'tcp',
  'enforce',
  '/usr',
  '~/x',
  `\${WORKDIR}`,
  'GET',
  '10.0.0.0/8',
  'tools/call',
  '512MiB',
  '',
];
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 1, 443, -1, 1.5, ...WORDS),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('tree'), { maxKeys: 5 }),
  ),
}));

describe('any tree of values', () => {
  it('is read or refused, never more', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expectSpansInside(JSON.stringify(value, null, 1) ?? '');
      }),
      { numRuns: 1000 },
    );
  });

  it('may stand in each section', () => {
    const section = fc.constantFrom(
      'filesystem_policy',
      'process',
      'network_policies',
      'network_middlewares',
      'limits',
      'expect',
    );
    const wrap = fc.constantFrom(
      (value: unknown) => value,
      (value: unknown) => ({ p: value }),
      (value: unknown) => ({ p: { endpoints: [value], binaries: [value] } }),
      (value: unknown) => ({
        p: {
          endpoints: [
            {
              host: 'a.example.com',
              port: 443,
              protocol: 'rest',
              rules: [{ allow: value }],
              deny_rules: [value],
            },
          ],
        },
      }),
      (value: unknown) => ({
        p: {
          endpoints: [
            { host: 'a.example.com', port: 443, protocol: 'mcp', mcp: value, rules: [{ allow: value }] },
          ],
        },
      }),
      (value: unknown) => [value],
    );
    fc.assert(
      fc.property(section, wrap, tree, (key, around, value) => {
        expectSpansInside(JSON.stringify({ version: 1, [key]: around(value) }, null, 1));
      }),
      { numRuns: 1000 },
    );
  });
});
