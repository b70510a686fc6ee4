/** The input as a graph: the architecture first, then the number, then the rules of that call in order. */
import { unreachable } from '../base/unreachable.ts';
import type { Action } from './action.ts';
import type { Condition } from './condition.ts';
import type { FilterInput, SyscallRules } from './filter.ts';
import { ARCH_OFFSET } from './instruction.ts';
import { ALL_ONES, GraphBuilder, type Ir, type Label } from './ir.ts';

/** The input must have passed `inputProblem`. */
export function buildIr(input: FilterInput): Ir {
  const graph = new GraphBuilder();
  const give = (action: Action): Label => graph.add({ kind: 'return', action });
  const foreign = give(input.foreignArch);
  const sorted = [...input.syscalls].sort((a, b) => a.nr - b.nr);
  const dispatch = graph.add({
    kind: 'dispatch',
    cases: sorted.map((entry) => ({ nr: entry.nr, weight: entry.weight ?? 1, to: addRules(graph, entry) })),
    otherwise: give(input.unknown),
    foreignFrom: input.foreignFrom,
    foreign,
  });
  const entry = graph.add({
    kind: 'test',
    word: { offset: ARCH_OFFSET, mask: ALL_ONES },
    op: 'eq',
    k: input.auditArch,
    yes: dispatch,
    no: foreign,
    prepare: 'load',
  });
  return graph.finish(entry);
}

/** Built from the last rule to the first, since each leads to the next one. */
function addRules(graph: GraphBuilder, entry: SyscallRules): Label {
  let next = graph.add({ kind: 'return', action: entry.otherwise });
  for (const rule of entry.rules.toReversed()) {
    let hit = graph.add({ kind: 'return', action: rule.action });
    for (const condition of rule.conditions.toReversed()) hit = addCondition(graph, condition, hit, next);
    next = hit;
  }
  return next;
}

/** `ne` and `lt` are `eq` and `ge` with the exits swapped. */
function addCondition(graph: GraphBuilder, condition: Condition, holds: Label, fails: Label): Label {
  const { arg, width, mask, value } = condition;
  const compare = (op: 'eq' | 'ge', yes: Label, no: Label): Label =>
    graph.add({ kind: 'compare', arg, width, mask, value, op, yes, no });
  switch (condition.op) {
    case 'eq':
    case 'ge':
      return compare(condition.op, holds, fails);
    case 'ne':
      return compare('eq', fails, holds);
    case 'lt':
      return compare('ge', fails, holds);
    default:
      return unreachable(condition.op, 'addCondition');
  }
}
