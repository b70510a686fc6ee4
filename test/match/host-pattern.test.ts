import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileHostPattern } from '../../src/match/host-pattern.ts';
import { HostTree } from '../../src/match/host-tree.ts';

/** The meaning of a pattern, as short as it can be said. */
function naive(pattern: string, name: string): boolean {
  const labels = pattern.split('.').map((label) => {
    if (label === '**') return '[^.]+(?:\\.[^.]+)*';
    if (label === '*') return '[^.]+';
    return label.split('*').join('[^.]*');
  });
  return new RegExp(`^${labels.join('\\.')}$`).test(name);
}

function matches(pattern: string, name: string): boolean {
  const tree = new HostTree<string>();
  const compiled = compileHostPattern(pattern);
  if (!compiled.ok) throw new Error(compiled.error);
  tree.at(compiled.value, () => pattern);
  return tree.find(name).length === 1;
}

describe('host patterns', () => {
  it.each([
    ['*.example.com', 'api.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'a.b.example.com', false],
    ['*.example.com', 'apiexample.com', false],
    ['*.example.com', 'api.example.com.evil.com', false],
    ['**.example.com', 'api.example.com', true],
    ['**.example.com', 'a.b.c.example.com', true],
    ['**.example.com', 'example.com', false],
    ['**.example.com', 'evilexample.com', false],
    ['*-aiplatform.googleapis.com', 'us-central1-aiplatform.googleapis.com', true],
    ['*-aiplatform.googleapis.com', 'x.y-aiplatform.googleapis.com', false],
    ['*-aiplatform.googleapis.com', 'aiplatform.googleapis.com', false],
    ['a*-b.example.com', 'a-b.example.com', true],
    ['a*-b.example.com', 'axx-b.example.com', true],
    ['a*-b.example.com', 'a-c.example.com', false],
    ['a*a.example.com', 'a.example.com', false],
    ['a*a.example.com', 'aa.example.com', true],
    ['a*b*c.example.com', 'a1b2c.example.com', true],
    ['a*b*c.example.com', 'a1c2b.example.com', false],
    ['a*bc*c.example.com', 'abc.example.com', false],
    ['*.s3.*.amazonaws.com', 'b.s3.us-east-1.amazonaws.com', true],
    ['*.s3.*.amazonaws.com', 's3.us-east-1.amazonaws.com', false],
    ['*.s3.*.amazonaws.com', 'b.s3.dualstack.us-east-1.amazonaws.com', false],
    ['api.*.example.com', 'api.eu.example.com', true],
    ['api.*.example.com', 'api.example.com', false],
    ['**.*.example.com', 'a.b.example.com', true],
    ['**.*.example.com', 'b.example.com', false],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
    expect(naive(pattern, name)).toBe(expected);
  });

  it.each([
    'foo.us-*.example.com',
    'foo.**.example.com',
    'foo**.example.com',
    'a?.example.com',
    '{a,b}.example.com',
    'A*.example.com',
    '*..example.com',
  ])('refuses %s', (pattern) => {
    expect(compileHostPattern(pattern).ok).toBe(false);
  });

  it('find exactly the patterns that a naive matcher finds', () => {
    const letter = fc.constantFrom('a', 'b', '-');
    const word = fc.string({ unit: letter, minLength: 1, maxLength: 4 });
    const first = fc.oneof(
      fc.constantFrom('*', '**'),
      word,
      fc
        .string({ unit: fc.constantFrom('a', 'b', '-', '*'), minLength: 1, maxLength: 6 })
        .filter((label) => !label.includes('**')),
    );
    const later = fc.oneof({ weight: 3, arbitrary: word }, { weight: 1, arbitrary: fc.constant('*') });
    const pattern = fc
      .tuple(first, fc.array(later, { maxLength: 3 }))
      .map(([head, rest]) => [head, ...rest].join('.'));
    const name = fc.array(word, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(fc.uniqueArray(pattern, { maxLength: 12 }), name, (patterns, asked) => {
        const tree = new HostTree<string>();
        for (const one of patterns) {
          const compiled = compileHostPattern(one);
          if (!compiled.ok) throw new Error(`${one}: ${compiled.error}`);
          tree.at(compiled.value, () => one);
        }
        expect(tree.find(asked).sort()).toEqual(patterns.filter((one) => naive(one, asked)).sort());
      }),
      { numRuns: 3000 },
    );
  });
});
