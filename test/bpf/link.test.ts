import { describe, expect, it } from 'vitest';
import { ALLOW, errno } from '../../src/bpf/action.ts';
import { OPCODE } from '../../src/bpf/instruction.ts';
import { run } from '../../src/bpf/interpret.ts';
import { ALL_ONES, GraphBuilder, type Ir, type Label, type Test } from '../../src/bpf/ir.ts';
import { link } from '../../src/bpf/link.ts';
import { test } from '../../src/bpf/lower.ts';
import { type VerifiedProgram, verifyProgram } from '../../src/bpf/verify.ts';
import { ARCH } from './filters.ts';

const NR = { offset: 0, mask: ALL_ONES };

function linked(ir: Ir): VerifiedProgram {
  const program = link(ir);
  if (!program.ok) throw new Error(program.error);
  const verified = verifyProgram(program.value);
  if (!verified.ok) throw new Error(verified.error);
  return verified.value;
}

/** Answers errno n for number n below `length`, asked one after the other, and `otherwise` for the rest. */
function chain(length: number, otherwise: (graph: GraphBuilder) => Label): Ir {
  const graph = new GraphBuilder();
  let next = otherwise(graph);
  for (let nr = length - 1; nr >= 0; nr -= 1)
    next = graph.add(test(NR, 'eq', nr, graph.add({ kind: 'return', action: errno(nr) }), next));
  return graph.finish(next);
}

const allow = (graph: GraphBuilder): Label => graph.add({ kind: 'return', action: ALLOW });
const answer = (program: VerifiedProgram, nr: number) => run(program, { arch: ARCH, nr, args: [] });

describe('link', () => {
  it('makes a program of a graph that only returns', () => {
    const graph = new GraphBuilder();
    expect(linked(graph.finish(allow(graph)))).toEqual([
      { code: OPCODE.return, jt: 0, jf: 0, k: 0x7fff0000 },
    ]);
  });

  it('reaches every node, also those that lie further away than a conditional jump goes', () => {
    const program = linked(chain(600, allow));
    expect(program.length).toBeGreaterThan(1200);
    for (const nr of [0, 1, 127, 128, 255, 256, 257, 400, 599])
      expect(answer(program, nr)).toMatchObject({ action: 'errno', data: nr });
    expect(answer(program, 600).action).toBe('allow');
  });

  it('repeats a return that is far away, which costs no step, and jumps to a test that is', () => {
    const graph = new GraphBuilder();
    const far = graph.add(
      test(
        { offset: 16, mask: ALL_ONES },
        'eq',
        1,
        allow(graph),
        graph.add({ kind: 'return', action: errno(1) }),
      ),
    );
    let next = allow(graph);
    for (let nr = 999; nr >= 1; nr -= 1) next = graph.add(test(NR, 'eq', nr, far, next));
    const program = linked(graph.finish(next));
    expect(program.some(({ code }) => code === OPCODE.jump)).toBe(true);
    for (const nr of [1, 2, 500, 999]) {
      expect(run(program, { arch: ARCH, nr, args: [1n] }).action).toBe('allow');
      expect(run(program, { arch: ARCH, nr, args: [2n] })).toMatchObject({ action: 'errno', data: 1 });
    }
    // Number, load and test for each of the others, then the return: no jump on this way.
    expect(answer(linked(chain(600, allow)), 5).steps).toBe(2 * 6 + 1);
  });

  it('counts the bridges of a jump when it measures how far its other exit is', () => {
    for (const length of [84, 85, 86]) {
      const graph = new GraphBuilder();
      const far = graph.add(test({ offset: 16, mask: ALL_ONES }, 'eq', 1, allow(graph), allow(graph)));
      // Three instructions each: 255 are as far as a conditional jump goes.
      let next = far;
      for (let nr = length; nr >= 1; nr -= 1)
        next = graph.add(test(NR, 'eq', nr, graph.add({ kind: 'return', action: errno(nr) }), next));
      const fork = graph.add(test(NR, 'eq', 2000, far, graph.add({ kind: 'return', action: errno(2000) })));
      const program = linked(graph.finish(graph.add(test(NR, 'ge', 1000, fork, next))));
      expect(answer(program, 2000).action).toBe('allow');
      expect(answer(program, 2001)).toMatchObject({ action: 'errno', data: 2000 });
      expect(answer(program, length)).toMatchObject({ action: 'errno', data: length });
    }
  });

  it('refuses a program that the kernel would not take', () => {
    const program = link(chain(1400, allow));
    expect(!program.ok && program.error).toMatch(/has \d+ instructions, and the kernel takes 4096/);
  });

  it('puts the entry first when there is something that no way leads to', () => {
    const graph = new GraphBuilder();
    graph.add(test(NR, 'eq', 7, graph.add({ kind: 'return', action: errno(7) }), allow(graph)));
    const entry = graph.add(test(NR, 'ge', 3, graph.add({ kind: 'return', action: errno(3) }), allow(graph)));
    const target = (graph.finish(entry).nodes[entry] as Test).no;
    graph.add(test(NR, 'eq', 8, target, target));
    const program = linked(graph.finish(entry));
    expect(answer(program, 2).action).toBe('allow');
    expect(answer(program, 7)).toMatchObject({ data: 3, steps: 3 });
  });

  it('leaves out loads that a node does not need, and masks where it must', () => {
    const graph = new GraphBuilder();
    const low = { offset: 0, mask: 0xf };
    const second = graph.add({ ...test(low, 'eq', 2, allow(graph), allow(graph)), prepare: 'mask' as const });
    const first = graph.add(test(NR, 'eq', 1, allow(graph), second));
    expect(linked(graph.finish(first)).map(({ code }) => code)).toEqual(
      expect.arrayContaining([OPCODE.load, OPCODE.jumpEqual, OPCODE.and, OPCODE.jumpEqual]),
    );
    expect(linked(graph.finish(first)).filter(({ code }) => code === OPCODE.load)).toHaveLength(1);
  });
});
