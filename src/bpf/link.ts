/**
 * A graph of tests and returns as instructions: labels become distances. Instructions are put down from the last to
 * the first, since jumps go forward only: every target stands already.
 */
import { err, ok, type Result } from '../base/result.ts';
import { returnValue } from './action.ts';
import { type Instruction, MAX_CONDITIONAL_JUMP, MAX_INSTRUCTIONS, OPCODE } from './instruction.ts';
import { ALL_ONES, type Ir, type Label, nodeAt, type Return, type Test, topologicalOrder } from './ir.ts';

const JUMP_CODE = { eq: OPCODE.jumpEqual, ge: OPCODE.jumpGreaterOrEqual, set: OPCODE.jumpSet } as const;

/** The graph must hold tests and returns only, and nothing in it may lead to the entry. */
export function link(ir: Ir): Result<readonly Instruction[], string> {
  const listing = new BackwardListing(ir);
  for (const label of allLabels(ir).toReversed()) {
    const node = nodeAt(ir, label);
    if (node.kind === 'test') listing.putTest(label, node);
    else if (node.kind !== 'return') throw new Error(`internal error: link was given a ${node.kind}`);
  }
  // A graph that only returns.
  listing.reach(ir.entry);
  const program = listing.finish();
  if (program.length > MAX_INSTRUCTIONS)
    return err(`the program has ${program.length} instructions, and the kernel takes ${MAX_INSTRUCTIONS}`);
  return ok(program);
}

/** The entry first; also what no way leads to, which is there when the pass that removes it is off. */
function allLabels(ir: Ir): readonly Label[] {
  const alive = new Set(topologicalOrder(ir));
  const dead = [...ir.nodes.keys()].filter((label) => !alive.has(label));
  return topologicalOrder(ir, dead);
}

class BackwardListing {
  readonly #ir: Ir;
  /** Last instruction first. */
  readonly #out: Instruction[] = [];
  /** Where a label can be reached, nearest place: its own first instruction, or a jump to it, or a copy of its return. */
  readonly #places = new Map<Label, number>();

  constructor(ir: Ir) {
    this.#ir = ir;
  }

  putTest(label: Label, node: Test): void {
    const far = this.#farTargets(node);
    for (const target of far) this.#putBridge(target);
    const at = this.#out.length;
    const skip = (target: Label): number => at - this.#places.get(target)! - 1;
    this.#out.push({ code: JUMP_CODE[node.op], jt: skip(node.yes), jf: skip(node.no), k: node.k });
    if (node.prepare !== 'nothing' && node.word.mask !== ALL_ONES)
      this.#out.push({ code: OPCODE.and, jt: 0, jf: 0, k: node.word.mask });
    if (node.prepare === 'load') this.#out.push({ code: OPCODE.load, jt: 0, jf: 0, k: node.word.offset });
    this.#places.set(label, this.#out.length - 1);
  }

  /** Makes the next instruction to be put the one before `label`. */
  reach(label: Label): void {
    if (this.#places.get(label) !== this.#out.length - 1) this.#putBridge(label);
  }

  finish(): readonly Instruction[] {
    return this.#out.toReversed();
  }

  /** Targets that a conditional jump put down now cannot reach, counting the bridges that it then needs. */
  #farTargets(node: Test): readonly Label[] {
    const far: Label[] = [];
    for (let again = true; again; ) {
      again = false;
      for (const target of new Set([node.yes, node.no])) {
        if (far.includes(target)) continue;
        const place = this.#places.get(target);
        const distance =
          place === undefined ? Number.POSITIVE_INFINITY : this.#out.length + far.length - place - 1;
        if (distance <= MAX_CONDITIONAL_JUMP) continue;
        far.push(target);
        again = true;
      }
    }
    return far;
  }

  /** A way to `label` from the place that is next: its return itself, which costs no step more, or a long jump. */
  #putBridge(label: Label): void {
    const node = nodeAt(this.#ir, label);
    const at = this.#out.length;
    if (node.kind === 'return') this.#out.push(returnInstruction(node));
    else this.#out.push({ code: OPCODE.jump, jt: 0, jf: 0, k: at - this.#places.get(label)! - 1 });
    this.#places.set(label, at);
  }
}

const returnInstruction = (node: Return): Instruction => ({
  code: OPCODE.return,
  jt: 0,
  jf: 0,
  k: returnValue(node.action),
});
