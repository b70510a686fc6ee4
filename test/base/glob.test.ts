import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, isGlob } from '../../src/base/glob.ts';

function matches(pattern: string, text: string, separator: '/' | '.' = '/'): boolean {
  const glob = compileGlob(pattern, separator);
  if (!glob.ok) throw new Error(glob.error);
  return glob.value.test(text);
}

/** The same in ten lines: every split is tried. */
function naive(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first !== '**') return text.length > 0 && one(first, text[0]!) && naive(rest, text.slice(1));
  if (rest.length === 0) return text.length > 0;
  return text.some((_, i) => naive(rest, text.slice(i))) || naive(rest, []);
}
function one(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*') return one(pattern.slice(1), text) || (text !== '' && one(pattern, text.slice(1)));
  return (
    text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && one(pattern.slice(1), text.slice(1))
  );
}

describe('globs', () => {
  it.each([
    ['/usr/bin/*', '/usr/bin/git', true],
    ['/usr/bin/*', '/usr/bin/a/b', false],
    ['/usr/**', '/usr/bin/a/b', true],
    ['/v1/**', '/v1', false],
    ['/**/x', '/x', true],
    ['/**/x', '/a/b/x', true],
    ['/**', '/anything/at/all', true],
    ['/usr/bin/python3*', '/usr/bin/python3.11', true],
    ['/a/**b', '/a/xb', true],
    ['/a/**b', '/a/x/b', false],
    ['/a/?', '/a/b', true],
    ['/a/?', '/a/', false],
    ['/a/[b-d]', '/a/c', true],
    ['/a/[!b]', '/a/b', false],
    ['/a/{b,cd}/e', '/a/cd/e', true],
    ['/a', '/A', false],
  ])('%s on %s: %s', (pattern, text, expected) => expect(matches(pattern, text)).toBe(expected));

  it.each(['{a', 'a}', '{a,{b}}', '[a'])('%s is refused', (pattern) =>
    expect(compileGlob(pattern, '/').ok).toBe(false),
  );

  it('do not explode: braces are bounded, and stars take no longer than pattern times text', () => {
    expect(compileGlob('{a,b}'.repeat(7), '/').ok).toBe(false);
    expect(matches(`/${'*a'.repeat(500)}b`, `/${'a'.repeat(3000)}`)).toBe(false);
    expect(matches(`${'**/a/'.repeat(400)}b`, 'a/'.repeat(1500))).toBe(false);
  });

  it('agree with trying everything', () => {
    const part = fc.stringMatching(/^[ab*?]{0,4}$/).filter((text) => !/\*\*/.test(text));
    const pattern = fc.array(fc.oneof(part, fc.constant('**')), { minLength: 1, maxLength: 5 });
    const text = fc.array(fc.stringMatching(/^[ab]{0,3}$/), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(pattern, text, (p, t) => {
        expect(matches(p.join('/'), t.join('/'))).toBe(naive(p, t));
      }),
      { numRuns: 3000 },
    );
  });

  it('are told from plain paths', () => {
    expect(['/a', '/a*', '/a?', '/[a]', '/{a,b}'].map(isGlob)).toEqual([false, true, true, true, true]);
  });
});
