import { describe, expect, it } from 'vitest';
import {
  isCredentialVariable,
  isMarked,
  isMarkedEncoded,
  issuePlaceholders,
  placeholdersByVariable,
} from '../../src/inject/placeholder.ts';

it('has the form of a stable handle', () => {
  const issued = issuePlaceholders([{ name: 'p', values: [{ variable: 'TOKEN' }] }], () => 'a'.repeat(64));
  expect([...placeholdersByVariable(issued)]).toEqual([
    ['TOKEN', `openshell:resolve:env:s${'a'.repeat(64)}_TOKEN`],
  ]);
});

it.each([
  ['TOKEN', true],
  ['_a1', true],
  ['1a', false],
  ['a-b', false],
  ['', false],
  ['v1_X', false],
  [`s${'0'.repeat(64)}_X`, false],
])('variable %s: %s', (name, good) => {
  expect(isCredentialVariable(name)).toBe(good);
});

describe('what looks like a placeholder', () => {
  const encode = (text: string): string => encodeURIComponent(text);
  const marked = 'openshell:resolve:env:X';
  it.each([marked, marked.toUpperCase(), 'sk-openshell-resolve-env-X', `a${marked}`])('%s', (text) => {
    expect(isMarked(text)).toBe(true);
    expect(isMarkedEncoded(text)).toBe(true);
    expect(isMarkedEncoded(encode(text))).toBe(true);
    expect(isMarkedEncoded(encode(encode(text)))).toBe(true);
    expect(isMarkedEncoded(encode(encode(encode(text))))).toBe(true);
  });

  it.each(['', 'openshell:resolve', 'openshell resolve env', '%', '%zz', '%25%25%25'])('not %s', (text) => {
    expect(isMarkedEncoded(text)).toBe(false);
  });
});
