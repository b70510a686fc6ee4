import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { parsePolicy } from '../../src/policy/check.ts';
import { POLICY_LIMITS } from '../../src/policy/limits.ts';
import { expectSpansInside } from './spans.ts';

// Much work on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const codesOf = (text: string): string[] => parsePolicy(text).issues.map(({ code }) => code);
const repeat = (part: string, size: number = POLICY_LIMITS.bytes): string =>
  part.repeat(Math.floor(size / part.length));

describe('the size of a policy', () => {
  it('is counted in bytes of UTF-8, not in characters', () => {
    const filler = (unit: string, bytes: number) => `version: 1\n#${unit.repeat(bytes)}`;
    const room = POLICY_LIMITS.bytes - 'version: 1\n#'.length;
    expect(codesOf(filler('x', room))).toEqual([]);
    expect(codesOf(filler('x', room + 1))).toEqual(['text_too_large']);
    expect(codesOf(filler('é', Math.floor(room / 2)))).toEqual([]);
    expect(codesOf(filler('é', Math.floor(room / 2) + 1))).toEqual(['text_too_large']);
    expect(codesOf(filler('漢', Math.floor(room / 3) + 1))).toEqual(['text_too_large']);
    expect(codesOf(filler('😀', Math.floor(room / 4) + 1))).toEqual(['text_too_large']);
  });

  it('has no place in the file, so the complaint has no span', () => {
    expect(parsePolicy(repeat('x', POLICY_LIMITS.bytes + 1)).issues[0]?.span).toBeNull();
  });
});

describe('a text that is made to cost much', () => {
  // Each is as large as a policy may be; the assertion is that it comes back, with a complaint about a bound.
  it.each([
    ['nested lists', repeat('['), 'yaml_depth_limit'],
    ['nested mappings', repeat('{'), 'yaml_depth_limit'],
    ['lists nested by dashes', repeat('- '), 'yaml_depth_limit'],
    ['keys nested by question marks', repeat('? '), 'yaml_depth_limit'],
    ['keys nested by colons', repeat('a: '), 'yaml_depth_limit'],
    ['many keys', repeat('a: b\n'), 'yaml_size_limit'],
    ['many list items', repeat('- \n'), 'yaml_size_limit'],
    ['many commas', `[${repeat(',', POLICY_LIMITS.bytes - 1)}`, 'yaml_size_limit'],
    ['many brackets that close nothing', repeat(']'), 'yaml_size_limit'],
    ['many empty lines', `a:${repeat('\n', POLICY_LIMITS.bytes - 2)}`, 'yaml_size_limit'],
    ['many comments', `a:\n${repeat('#\n', POLICY_LIMITS.bytes - 3)}`, 'yaml_size_limit'],
    ['many anchors', repeat('&a '), 'yaml_size_limit'],
    ['many aliases', repeat('- *a\n'), 'yaml_size_limit'],
    ['many tags', repeat('!a '), 'yaml_tag'],
    ['many directives', repeat('%a\n'), 'yaml_directive'],
    ['many documents', repeat('---\n'), 'yaml_documents'],
    ['many unknown escapes', `"${repeat('\\q', POLICY_LIMITS.bytes - 2)}"`, 'yaml_syntax'],
    ['many unclosed quotes', repeat('- "\n'), 'yaml_size_limit'],
    ['many hidden characters', repeat('\u202e', POLICY_LIMITS.bytes / 3), 'text_hidden_character'],
    ['one long scalar of blanks', `a: b${repeat(' ', POLICY_LIMITS.bytes - 10)}\n c`, 'missing_key'],
    ['one long block', `a: |\n${repeat('  x\n', POLICY_LIMITS.bytes - 5)}`, 'missing_key'],
  ])('%s: refused', (_, text, code) => {
    expect(codesOf(text)).toContain(code);
  });

  it('is refused when aliases multiply it', () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`,
    );
    expect(codesOf(`version: 1\na0: &a0 [x, x]\n${levels.join('\n')}\n`)).toEqual(['yaml_size_limit']);
  });

  it('is refused when aliases multiply its text', () => {
    const anchor = `a: &a "${'x'.repeat(100_000)}"`;
    const uses = Array.from({ length: 60 }, (_, i) => `b${i}: *a`).join('\n');
    expect(codesOf(`version: 1\n${anchor}\n${uses}\n`)).toEqual(['yaml_size_limit']);
  });

  it('is refused when one list has more entries than a list may have', () => {
    const items = (count: number) => `version: 1\nexpect: [${Array(count).fill('x').join(',')}]\n`;
    expect(codesOf(items(POLICY_LIMITS.entries + 1))).toEqual(['yaml_size_limit']);
    expect(codesOf(items(POLICY_LIMITS.entries))).not.toContain('yaml_size_limit');
  });
});

describe('bounds of YAML', () => {
  it('lets mappings be 64 deep, and no deeper', () => {
    const nested = (depth: number) =>
      `version: 1\nnetwork_middlewares:\n  m:\n    middleware: x\n    endpoints: {include: [a.b]}\n    config: ${'['.repeat(depth)}1${']'.repeat(depth)}\n`;
    expect(codesOf(nested(POLICY_LIMITS.depth - 3))).toEqual([]);
    expect(codesOf(nested(POLICY_LIMITS.depth - 2))).toEqual(['yaml_depth_limit']);
  });

  it('lets an anchor be used 100 times, and no more', () => {
    const uses = (count: number) =>
      `version: 1\nfilesystem_policy:\n  read_only: [${['&a /usr', ...Array(count).fill('*a')].join(', ')}]\n`;
    expect(codesOf(uses(100))).not.toContain('yaml_alias_limit');
    expect(codesOf(uses(101))).toEqual(['yaml_alias_limit']);
  });

  it('reports a wrong value once for each place that an alias brings it to', () => {
    const text = 'version: 1\nfilesystem_policy: {read_only: &a [usr], read_write: *a}\n';
    const { issues } = parsePolicy(text);
    expect(issues.map(({ code, path }) => [code, path])).toEqual([
      ['path_relative', 'filesystem_policy.read_only[0]'],
      ['path_relative', 'filesystem_policy.read_write[0]'],
    ]);
  });

  it('does not take one key for another that JavaScript knows', () => {
    const text = 'version: 1\n__proto__: {version: 1}\nconstructor: 1\ntoString: 1\n';
    expect(codesOf(text)).toEqual(['unknown_key', 'unknown_key', 'unknown_key']);
  });
});

describe('many complaints', () => {
  it('are cut at a number that can be read, and the rest is counted', () => {
    const text = `version: 1\nexpect:\n${'  - {verdict: perhaps}\n'.repeat(150)}`;
    const { issues } = parsePolicy(text);
    expect(issues).toHaveLength(POLICY_LIMITS.issues + 1);
    expect(issues.at(-1)).toMatchObject({
      code: 'too_many_issues',
      message: '100 more errors are not shown',
    });
  });

  it('never push out an error by notes and warnings', () => {
    const endpoint = (i: number) =>
      `      - {host: h${i}.example.com, port: 443, protocol: rest, access: full}\n`;
    const endpoints = Array.from({ length: POLICY_LIMITS.issues + 50 }, (_, i) => endpoint(i)).join('');
    const text = `version: 1\nnetwork_policies:\n  a:\n    binaries: [/**]\n    endpoints:\n${endpoints}dns: {pin: never}\n`;
    const { policy, issues } = parsePolicy(text);
    expect(policy).toBeNull();
    expect(issues.filter(({ severity }) => severity === 'error')).toHaveLength(1);
    expect(issues.at(-1)).toMatchObject({ code: 'too_many_notes', severity: 'note' });
  });

  it('do not make a policy invalid when they are notes only', () => {
    const endpoint = (i: number) =>
      `      - {host: h${i}.example.com, port: 443, protocol: rest, access: full}\n`;
    const endpoints = Array.from({ length: POLICY_LIMITS.issues + 50 }, (_, i) => endpoint(i)).join('');
    const text = `version: 1\nnetwork_policies:\n  a:\n    binaries: [/**]\n    endpoints:\n${endpoints}`;
    expect(parsePolicy(text).policy).not.toBeNull();
  });
});

describe('any text at all', () => {
  it('gives a result whose spans lie inside the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), yamlLike), (text) => {
        expectSpansInside(text);
      }),
      { numRuns: 1500 },
    );
  });
});

/** Text made of pieces that mean something to YAML. */
const yamlLike = fc
  .array(
    fc.constantFrom(
      ...[
        'version: 1',
        'a',
        ': ',
        '- ',
        '? ',
        '[',
        ']',
        '{',
        '}',
        ',',
        '\n',
        '\n  ',
        '\n    ',
        '"',
        "'",
        '|',
        '>',
        '#',
        '&x',
        '*x',
        '!t',
      ],
      ...[
        '<<',
        '~',
        'null',
        '\t',
        '%YAML',
        '---',
        '...',
        '\r\n',
        '\r',
        '\u2028',
        'é',
        '😀',
        '\\',
        '@',
        '`',
        'network_policies',
        'endpoints',
        'host',
      ],
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));
