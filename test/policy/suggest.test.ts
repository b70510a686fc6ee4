import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../src/policy/suggest.ts';

describe('the distance of two words', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', 'abd', 1],
    ['abc', 'ab', 1],
    ['abc', 'abcd', 1],
    ['abc', 'acb', 1],
    ['kitten', 'sitting', 3],
  ])('%j and %j: %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is the same in both directions, and zero for equal words only', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});

describe('the nearest word', () => {
  const known = ['read_only', 'read_write', 'include_workdir', 'deny'];
  it.each([
    ['readonly', 'read_only'],
    ['read-only', 'read_only'],
    ['READ_WRITE', 'read_write'],
    ['include_wrokdir', 'include_workdir'],
    ['dney', 'deny'],
    ['colour', null],
    ['x', null],
    ['', null],
    ['2025-11-25', null],
    ['a'.repeat(1000), null],
  ])('of %j is %s', (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});
