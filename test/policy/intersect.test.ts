import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { hostSteps, intersects, pathSteps, type Step, specificity } from '../../src/policy/intersect.ts';

// Much work on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const meet = (a: readonly Step[], b: readonly Step[], separator: string): boolean => {
  const budget = { steps: 1_000_000 };
  const result = intersects(a, b, separator, budget);
  expect(budget.steps).toBeGreaterThan(0);
  return result;
};
const hostsMeet = (a: string, b: string): boolean => meet(hostSteps(a), hostSteps(b), '.');
const pathsMeet = (a: string, b: string): boolean => meet(pathSteps(a), pathSteps(b), '/');

describe('two host patterns', () => {
  it.each([
    ['api.example.com', 'api.example.com', true],
    ['api.example.com', 'www.example.com', false],
    ['*.example.com', 'api.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'a.b.example.com', false],
    ['**.example.com', 'a.b.example.com', true],
    ['**.example.com', 'example.com', false],
    ['**.example.com', '*.b.example.com', true],
    ['a.*.example.com', '**.example.com', true],
    ['api-*.example.com', '*-eu.example.com', true],
    ['api-*.example.com', 'web-*.example.com', false],
    ['api-*.example.com', 'api-.example.com', true],
    ['*.s3.*.amazonaws.com', 'b.s3.eu.amazonaws.com', true],
    ['*.s3.*.amazonaws.com', '*.*.eu.amazonaws.com', true],
  ])('%s and %s meet: %s', (a, b, expected) => {
    expect(hostsMeet(a, b)).toBe(expected);
    expect(hostsMeet(b, a)).toBe(expected);
  });

  it('meet exactly when some name fits both', () => {
    const label = fc.stringMatching(/^[ab*]{1,2}$/).filter((text) => !text.includes('**'));
    const pattern = fc
      .tuple(
        fc.oneof(label, fc.constantFrom('*', '**')),
        fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 1 }),
      )
      .map(([first, rest]) => [first, ...rest].join('.'));
    const names = textsOver('ab.', 6).filter((name) => name.split('.').every((part) => part !== ''));
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const [left, right] = [hostExpression(a), hostExpression(b)];
        expect(hostsMeet(a, b)).toBe(names.some((name) => left.test(name) && right.test(name)));
      }),
    );
  });
});

describe('two path selectors', () => {
  it.each([
    ['', '/anything/at/all', true],
    ['/**', '/', true],
    ['/v1/**', '/v1', true],
    ['/v1/**', '/v1/a/b', true],
    ['/v1/**', '/v1x', false],
    ['/v1/*', '/v1', false],
    ['/v1/*', '/*/users', true],
    ['/v1/*', '/v2/*', false],
    ['/**/users', '/users', true],
    ['/**/users', '/a/b/users', true],
    ['/**/users', '/a/**', true],
    ['/a/**/z', '/a/z', true],
    ['/a/**/z', '/a/b/c/z', true],
    ['/a/**/z', '/a/b/c/y', false],
    ['/a?', '/ab', true],
    ['/a?', '/a/', false],
    ['/[ab]', '/c', true],
    ['/{a,b}/x', '/a/x', true],
    ['/{a,b}/x', '/a/y', false],
  ])('%j and %j meet: %s', (a, b, expected) => {
    expect(pathsMeet(a, b)).toBe(expected);
    expect(pathsMeet(b, a)).toBe(expected);
  });

  it('meet whenever some path fits both', () => {
    const segment = fc
      .stringMatching(/^[ab*?]{1,2}$/)
      .filter((text) => text === '**' || !text.includes('**'));
    const pattern = fc
      .array(segment, { minLength: 1, maxLength: 3 })
      .map((segments) => `/${segments.join('/')}`);
    const paths = textsOver('ab/', 5).map((rest) => `/${rest}`);
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const [left, right] = [pathExpression(a), pathExpression(b)];
        if (paths.some((path) => left.test(path) && right.test(path))) expect(pathsMeet(a, b)).toBe(true);
      }),
    );
  });

  it('are as specific as they have characters other than `*`', () => {
    expect([specificity(''), specificity('/**'), specificity('/v1/*')]).toEqual([0, 1, 4]);
  });
});

describe('the work of a comparison', () => {
  it('stops at its budget', () => {
    const long = pathSteps(`/${'*a'.repeat(2000)}`);
    const budget = { steps: 1000 };
    expect(intersects(long, pathSteps(`/${'*b'.repeat(2000)}`), '/', budget)).toBe(true);
    expect(budget.steps).toBeLessThan(0);
  });
});

function textsOver(alphabet: string, longest: number): string[] {
  let row = [''];
  const all: string[] = [];
  for (let length = 1; length <= longest; length += 1) {
    row = row.flatMap((text) => [...alphabet].map((char) => text + char));
    all.push(...row);
  }
  return all;
}

function hostExpression(pattern: string): RegExp {
  const labels = pattern.split('.').map((label) => {
    if (label === '**') return '[^.]+(?:\\.[^.]+)*';
    return label === '*' ? '[^.]+' : label.replaceAll('*', '[^.]*');
  });
  return new RegExp(`^${labels.join('\\.')}$`);
}

function pathExpression(pattern: string): RegExp {
  const segments = pattern.slice(1).split('/');
  const body = segments.map((segment, index) => {
    if (segment !== '**') return `/${segment.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}`;
    return index === segments.length - 1 ? '(?:/.*)?' : '(?:/.+)?';
  });
  return new RegExp(`^${body.join('')}$`);
}
