import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { readHost } from '../../src/policy/host.ts';
import { HostIndex } from '../../src/policy/host-index.ts';
import { hostSteps, intersects } from '../../src/policy/intersect.ts';
import type { Endpoint } from '../../src/policy/policy.ts';

// Much work on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

type HostOf = Pick<Endpoint, 'host' | 'hostKind'>;

const SPAN = { line: 1, column: 1, length: 1 };

function hostOf(text: string): HostOf {
  if (text === '') return { host: { value: '', span: SPAN }, hostKind: 'any' };
  const host = readHost(text);
  if (!host.ok) throw new Error(`${text}: ${host.error.message}`);
  return { host: { value: host.value.text, span: SPAN }, hostKind: host.value.kind };
}

function meet(a: HostOf, b: HostOf): boolean {
  if (a.hostKind === 'any' || b.hostKind === 'any') return true;
  if (a.hostKind === 'address' || b.hostKind === 'address') return a.host.value === b.host.value;
  return intersects(hostSteps(a.host.value), hostSteps(b.host.value), '.', { steps: 100_000 });
}

describe('the index of hosts', () => {
  it('finds the hosts that meet a given one, and no others', () => {
    const first = fc.constantFrom('*', '**', 'a', 'b', 'a*', '*b', 'a*b');
    const middle = fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 2 });
    const host = fc.oneof(
      fc.tuple(first, middle).map(([head, rest]) => [head, ...rest, 'example', 'com'].join('.')),
      fc.constantFrom('', 'example.com', 'a.example.com', '192.0.2.1', '2001:db8::1', 'localhost'),
    );
    fc.assert(
      fc.property(fc.array(host, { maxLength: 12 }), host, (texts, asked) => {
        const index = new HostIndex<Set<string>>(() => new Set(), { steps: 100_000 });
        for (const text of texts) index.slot(hostOf(text)).add(text);
        const found = new Set<string>();
        index.overlapping(hostOf(asked), (slot) => {
          for (const text of slot) {
            expect(found.has(text)).toBe(false);
            found.add(text);
          }
        });
        const expected = texts.filter((text) => meet(hostOf(text), hostOf(asked)));
        expect([...found].sort()).toEqual([...new Set(expected)].sort());
      }),
      { numRuns: 2000 },
    );
  });

  it('stops at its budget', () => {
    const budget = { steps: 100 };
    const index = new HostIndex<string[]>(() => [], budget);
    for (let i = 0; i < 1000; i += 1) index.slot(hostOf(`h${i}.example.com`));
    let visited = 0;
    index.overlapping(hostOf('**.example.com'), () => {
      visited += 1;
    });
    expect(visited).toBeLessThan(101);
    expect(budget.steps).toBeLessThan(0);
  });
});
