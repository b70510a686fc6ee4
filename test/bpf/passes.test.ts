import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALLOW, errno, NOTIFY } from '../../src/bpf/action.ts';
import { buildIr } from '../../src/bpf/build.ts';
import { anyBit, atLeast, equal, maskedEqual } from '../../src/bpf/condition.ts';
import type { FilterInput } from '../../src/bpf/filter.ts';
import { GraphBuilder, type Ir, nodeAt, type Test, topologicalOrder } from '../../src/bpf/ir.ts';
import { lowerPlainly, test as plainTest } from '../../src/bpf/lower.ts';
import { lowerCompares } from '../../src/bpf/pass/lower-compares.ts';
import { mergeReturns } from '../../src/bpf/pass/merge-returns.ts';
import { mergeTests } from '../../src/bpf/pass/merge-tests.ts';
import { removeDead } from '../../src/bpf/pass/remove-dead.ts';
import { removeLoads } from '../../src/bpf/pass/remove-loads.ts';
import { searchTree } from '../../src/bpf/pass/search-tree.ts';
import { threadJumps } from '../../src/bpf/pass/thread-jumps.ts';
import type { Pass } from '../../src/bpf/pass.ts';
import { PASSES, runPasses } from '../../src/bpf/passes.ts';
import { filter, randomFilter } from './filters.ts';

const INT = { arg: 0, width: 32 } as const;
const SECOND = { arg: 1, width: 32 } as const;
const LONG = { arg: 2, width: 64 } as const;

const one = (...conditions: Parameters<typeof oneRule>[0][number][]): FilterInput => oneRule(conditions);
function oneRule(conditions: FilterInput['syscalls'][number]['rules'][number]['conditions']): FilterInput {
  return filter([{ nr: 5, rules: [{ conditions, action: ALLOW }], otherwise: errno(1) }]);
}

const apply = (pass: Pass, ir: Ir): Ir => {
  const { ir: after, changed } = pass.run(ir);
  expect(changed).toBe(true);
  // What a pass has done it does not do again.
  expect(pass.run(after).changed).toBe(false);
  return after;
};

/** Tests in order, as `[offset] & mask op k`. */
const tests = (ir: Ir): readonly string[] =>
  topologicalOrder(ir)
    .map((label) => nodeAt(ir, label))
    .filter((node): node is Test => node.kind === 'test')
    .map(({ word, op, k, prepare }) => {
      const mask = word.mask === 0xffff_ffff ? '' : ` & 0x${word.mask.toString(16)}`;
      const left = prepare === 'load' ? `[${word.offset}]${mask}` : prepare === 'mask' ? `A${mask}` : 'A';
      return `${left} ${op} 0x${k.toString(16)}`;
    });

const kinds = (ir: Ir): Record<string, number> => {
  const count: Record<string, number> = {};
  for (const node of ir.nodes) count[node.kind] = (count[node.kind] ?? 0) + 1;
  return count;
};

describe('lower-compares', () => {
  it.each([
    ['an int is its low half', one(equal(INT, 40)), ['[16] eq 0x28']],
    ['a long is both halves', one(equal(LONG, 0x1_0000_0002n)), ['[32] eq 0x2', '[36] eq 0x1']],
    ['bits below 2^32 of a long are its low half', one(anyBit(LONG, 0x30)), ['[32] set 0x30']],
    ['bits from 2^32 on are its high half', one(anyBit(LONG, 1n << 40n)), ['[36] set 0x100']],
    ['a single bit is asked without a mask', one(maskedEqual(INT, 8, 8)), ['[16] set 0x8']],
    ['several bits need a mask', one(maskedEqual(INT, 12, 8)), ['[16] & 0xc eq 0x8']],
    ['a bound of an int', one(atLeast(INT, 9)), ['[16] ge 0x9']],
    [
      'a bound of a long looks at the high half first',
      one(atLeast(LONG, (3n << 32n) + 9n)),
      ['[36] ge 0x4', '[36] eq 0x3', '[32] ge 0x9'],
    ],
    ['a bound without low bits is its high half', one(atLeast(LONG, 3n << 32n)), ['[36] ge 0x3']],
  ])('%s', (_, input, expected) => {
    const ir = apply(lowerCompares, buildIr(input));
    expect(kinds(ir)['compare']).toBeUndefined();
    expect(tests(ir).slice(1)).toEqual(expected);
  });
});

describe('the plain lowering', () => {
  it('asks for every half and mask, and for one number after the other', () => {
    const input = filter([
      { nr: 1, rules: [{ conditions: [anyBit(LONG, 0x30)], action: ALLOW }], otherwise: errno(1) },
      { nr: 2, rules: [], otherwise: ALLOW },
    ]);
    expect(tests(lowerPlainly(buildIr(input)))).toEqual([
      '[4] eq 0xc000003e',
      '[0] ge 0x40000000',
      '[0] eq 0x1',
      '[0] eq 0x2',
      '[36] & 0x0 eq 0x0',
      '[32] & 0x30 eq 0x0',
    ]);
  });
});

describe('search-tree', () => {
  const numbers = (count: number, weight: (nr: number) => number): FilterInput =>
    filter(
      Array.from({ length: count }, (_, nr) => ({ nr, rules: [], otherwise: errno(nr), weight: weight(nr) })),
      { foreignFrom: null },
    );
  const depth = (ir: Ir, nr: number): number => {
    let node = nodeAt(ir, (nodeAt(ir, ir.entry) as Test).yes);
    let steps = 0;
    for (; node.kind === 'test'; steps += 1) node = nodeAt(ir, nr >= node.k ? node.yes : node.no);
    expect(node).toEqual({ kind: 'return', action: errno(nr) });
    return steps;
  };

  it('asks for a number in as many questions as the logarithm of their count', () => {
    const ir = apply(searchTree, buildIr(numbers(256, () => 1)));
    for (let nr = 0; nr < 256; nr += 1) expect(depth(ir, nr)).toBeLessThanOrEqual(9);
  });

  it('finds calls that are made often in fewer questions', () => {
    const ir = apply(searchTree, buildIr(numbers(256, (nr) => (nr === 200 ? 1000 : 1))));
    expect(depth(ir, 200)).toBe(2);
    for (let nr = 0; nr < 256; nr += 1) expect(depth(ir, nr)).toBeLessThanOrEqual(12);
  });

  it('takes numbers with one treatment that follow each other as one', () => {
    const input = filter(
      Array.from({ length: 50 }, (_, nr) => ({ nr, rules: [], otherwise: ALLOW })),
      { foreignFrom: null },
    );
    const merged = apply(mergeReturns, buildIr(input));
    expect(tests(apply(searchTree, merged))).toEqual(['[4] eq 0xc000003e', '[0] ge 0x32']);
  });

  it('asks nothing about the number once an argument has been read', () => {
    const calls = [1, 5, 9].map((nr) => ({
      nr,
      rules: [{ conditions: [equal(INT, nr)], action: ALLOW }],
      otherwise: errno(1),
    }));
    const ir = apply(searchTree, apply(lowerCompares, buildIr(filter(calls))));
    const behind = topologicalOrder(ir)
      .filter((label) => (nodeAt(ir, label) as Test).word?.offset === 16)
      .flatMap((label) => tests({ ...ir, entry: label }));
    expect(behind.sort()).toEqual(['[16] eq 0x1', '[16] eq 0x5', '[16] eq 0x9']);
  });
});

describe('merge-returns', () => {
  it('makes equal returns one and keeps different ones apart', () => {
    const input = filter([
      { nr: 1, rules: [{ conditions: [equal(INT, 1)], action: ALLOW }], otherwise: errno(1) },
      { nr: 2, rules: [{ conditions: [equal(INT, 1)], action: ALLOW }], otherwise: errno(2) },
    ]);
    const merged = removeDead.run(apply(mergeReturns, buildIr(input))).ir;
    // allow, 1, 2, unknown, foreign
    expect(kinds(merged)['return']).toBe(5);
  });
});

describe('merge-tests', () => {
  it('makes calls with the same rules share them', () => {
    const rules = [{ conditions: [equal(INT, 1), equal(LONG, 2)], action: ALLOW }];
    const input = filter([
      { nr: 1, rules, otherwise: errno(1) },
      { nr: 9, rules, otherwise: errno(1) },
    ]);
    const ir = removeDead.run(apply(mergeTests, mergeReturns.run(buildIr(input)).ir)).ir;
    expect(kinds(ir)['compare']).toBe(2);
  });

  it.each([
    ['masks', equal(INT, 1), maskedEqual(INT, 3, 1)],
    ['masks of longs', maskedEqual(LONG, 1n << 40n, 0), maskedEqual(LONG, 1n << 41n, 0)],
    ['arguments', equal(INT, 1), equal(SECOND, 1)],
    ['values', equal(INT, 1), equal(INT, 2)],
    ['operators', equal(INT, 1), atLeast(INT, 1)],
  ])('keeps tests with different %s apart, before and after they are lowered', (_, left, right) => {
    const input = filter(
      [left, right].map((condition, nr) => ({
        nr,
        rules: [{ conditions: [condition], action: ALLOW }],
        otherwise: errno(1),
      })),
    );
    const merged = mergeReturns.run(buildIr(input)).ir;
    expect(mergeTests.run(merged).changed).toBe(false);
    expect(mergeTests.run(lowerCompares.run(merged).ir).changed).toBe(false);
  });

  it('keeps tests apart that lead to different places', () => {
    const input = filter([
      { nr: 1, rules: [{ conditions: [equal(INT, 1)], action: ALLOW }], otherwise: errno(1) },
      { nr: 9, rules: [{ conditions: [equal(INT, 1)], action: NOTIFY }], otherwise: errno(1) },
    ]);
    expect(mergeTests.run(mergeReturns.run(buildIr(input)).ir).changed).toBe(false);
  });
});

describe('thread-jumps', () => {
  const lowered = (input: FilterInput): Ir => lowerCompares.run(buildIr(input)).ir;

  it('asks a question once that several rules begin with', () => {
    const rules = [1, 2, 3].map((value) => ({
      conditions: [equal(INT, 6), equal(SECOND, value)],
      action: ALLOW,
    }));
    const ir = apply(threadJumps, lowered(filter([{ nr: 1, rules, otherwise: errno(1) }])));
    expect(tests(ir).slice(1)).toEqual(['[16] eq 0x6', '[24] eq 0x1', '[24] eq 0x2', '[24] eq 0x3']);
  });

  it('skips rules that cannot fit any more', () => {
    const rules = [1, 2].map((value) => ({ conditions: [equal(INT, value)], action: errno(value) }));
    const late = { conditions: [equal(INT, 1)], action: ALLOW };
    const ir = apply(threadJumps, lowered(filter([{ nr: 1, rules: [...rules, late], otherwise: NOTIFY }])));
    expect(tests(ir).slice(1)).toEqual(['[16] eq 0x1', '[16] eq 0x2']);
  });

  it('leaves out a test whose exits are one', () => {
    const input = filter([
      { nr: 1, rules: [{ conditions: [equal(INT, 1)], action: ALLOW }], otherwise: ALLOW },
      { nr: 2, rules: [{ conditions: [equal(INT, 1)], action: ALLOW }], otherwise: errno(1) },
    ]);
    const ir = searchTree.run(mergeReturns.run(lowered(input)).ir).ir;
    expect(tests(apply(threadJumps, ir)).filter((text) => text === '[16] eq 0x1')).toHaveLength(1);
  });
});

describe('remove-dead', () => {
  it('removes what no way leads to, and nothing else', () => {
    const ir = searchTree.run(buildIr(one(equal(INT, 1)))).ir;
    const dead = [...ir.nodes, { kind: 'return', action: errno(99) } as const];
    const after = apply(removeDead, { ...ir, nodes: dead });
    expect(tests(after)).toEqual(tests(ir));
    expect(kinds(after)['return']).toBe(kinds(ir)['return']);
    expect(after.nodes).not.toContainEqual({ kind: 'return', action: errno(99) });
  });
});

describe('remove-loads', () => {
  const prepared = (input: FilterInput): Ir =>
    threadJumps.run(searchTree.run(lowerCompares.run(buildIr(input)).ir).ir).ir;

  it('loads a word once for questions that follow each other', () => {
    const rules = [1, 2, 3].map((value) => ({ conditions: [equal(INT, value)], action: errno(value) }));
    const ir = apply(
      removeLoads,
      prepared(filter([{ nr: 0, rules, otherwise: ALLOW }], { foreignFrom: null })),
    );
    expect(tests(ir)).toEqual(['[4] eq 0xc000003e', '[0] ge 0x1', '[16] eq 0x1', 'A eq 0x2', 'A eq 0x3']);
  });

  it('masks a word that is loaded already', () => {
    const rules = [
      { conditions: [equal(INT, 1)], action: errno(1) },
      { conditions: [maskedEqual(INT, 12, 8)], action: errno(2) },
      { conditions: [equal(INT, 3)], action: errno(3) },
    ];
    const ir = apply(
      removeLoads,
      prepared(filter([{ nr: 0, rules, otherwise: ALLOW }], { foreignFrom: null })),
    );
    // What the mask cut off is gone: the whole word must be loaded again.
    expect(tests(ir).slice(2)).toEqual(['[16] eq 0x1', 'A & 0xc eq 0x8', '[16] eq 0x3']);
  });

  it('loads again where ways with different words meet', () => {
    const rules = [
      { conditions: [equal(INT, 1), equal(SECOND, 1)], action: errno(1) },
      { conditions: [equal(LONG, 5)], action: errno(2) },
    ];
    const ir = removeLoads.run(prepared(filter([{ nr: 0, rules, otherwise: ALLOW }]))).ir;
    expect(tests(ir)).toContain('[32] eq 0x5');
  });

  it('trusts nothing behind a compare that is not lowered yet', () => {
    const graph = new GraphBuilder();
    const end = graph.add({ kind: 'return', action: ALLOW });
    const last = graph.add(plainTest({ offset: 0, mask: 0xffff_ffff }, 'eq', 1, end, end));
    const compare = graph.add({ kind: 'compare', ...equal(INT, 1), op: 'eq', yes: last, no: end });
    const entry = graph.add(plainTest({ offset: 0, mask: 0xffff_ffff }, 'ge', 1, last, compare));
    const ir = removeLoads.run(graph.finish(entry)).ir;
    expect(tests(ir)).toEqual(['[0] ge 0x1', '[0] eq 0x1']);
  });

  it('takes back what an earlier run left out when the ways have changed', () => {
    const ir = prepared(filter([{ nr: 0, rules: [], otherwise: ALLOW }]));
    const careless = {
      ...ir,
      nodes: ir.nodes.map((node) => (node.kind === 'test' ? { ...node, prepare: 'nothing' as const } : node)),
    };
    expect(tests(removeLoads.run(careless).ir)[0]).toBe('[4] eq 0xc000003e');
  });
});

describe('the list of passes', () => {
  it('has a different name for each', () => {
    expect(new Set(PASSES.map(({ name }) => name)).size).toBe(PASSES.length);
  });

  it('is run until nothing changes, and says what changed', () => {
    const seen: string[] = [];
    const ir = runPasses(buildIr(one(equal(INT, 1))), PASSES, (name) => seen.push(name));
    expect(seen).toContain('lower-compares');
    for (const pass of PASSES) expect(pass.run(ir).changed, pass.name).toBe(false);
  });

  it('leaves nothing to do for any pass, whatever the filter is', () => {
    fc.assert(
      fc.property(randomFilter, (input) => {
        const ir = runPasses(buildIr(input), PASSES);
        expect(PASSES.filter((pass) => pass.run(ir).changed)).toEqual([]);
      }),
      { numRuns: 100, seed: 20251203 },
    );
  });
});
