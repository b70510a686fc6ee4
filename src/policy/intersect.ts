/**
 * Whether two patterns can match a common text. A pattern is a small automaton over characters; two intersect when
 * the product automaton reaches its end. Steps are counted, because both patterns may be long and hostile.
 */

export type Step =
  | { readonly kind: 'char'; readonly char: string }
  /** One character that is not the separator. */
  | { readonly kind: 'any' }
  /** Any number of characters that are not the separator. */
  | { readonly kind: 'star' }
  /** Any number of characters, separators too. */
  | { readonly kind: 'deep' }
  /** The next `count` steps may be left out. */
  | { readonly kind: 'optional'; readonly count: number };

export interface Budget {
  steps: number;
}

/** Clearing this much of the table of seen states costs about as much as one step. */
const STATES_PER_STEP = 256;

/** True also when the budget runs out: the caller looks at it. */
export function intersects(
  a: readonly Step[],
  b: readonly Step[],
  separator: string,
  budget: Budget,
): boolean {
  const width = b.length + 1;
  const states = width * (a.length + 1);
  budget.steps -= Math.ceil(states / STATES_PER_STEP);
  if (budget.steps < 0) return true;
  const seen = new Uint8Array(states);
  seen[0] = 1;
  const todo: number[] = [0];
  const visit = (i: number, j: number): void => {
    const state = i * width + j;
    if (seen[state] === 1) return;
    seen[state] = 1;
    todo.push(state);
  };
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
    budget.steps -= 1;
    if (budget.steps < 0) return true;
    const i = Math.floor(state / width);
    const j = state % width;
    if (i === a.length && j === b.length) return true;
    for (const next of withoutReading(a, i)) visit(next, j);
    for (const next of withoutReading(b, j)) visit(i, next);
    const left = a[i];
    const right = b[j];
    if (left === undefined || right === undefined || !shareCharacter(left, right, separator)) continue;
    visit(afterReading(left, i), afterReading(right, j));
  }
  return false;
}

function withoutReading(steps: readonly Step[], at: number): readonly number[] {
  const step = steps[at];
  if (step === undefined || step.kind === 'char' || step.kind === 'any') return [];
  return step.kind === 'optional' ? [at + 1, at + 1 + step.count] : [at + 1];
}

const afterReading = (step: Step, at: number): number =>
  step.kind === 'star' || step.kind === 'deep' ? at : at + 1;

function shareCharacter(a: Step, b: Step, separator: string): boolean {
  if (a.kind === 'optional' || b.kind === 'optional') return false;
  if (a.kind === 'char' && b.kind === 'char') return a.char === b.char;
  if (a.kind === 'char') return b.kind === 'deep' || a.char !== separator;
  if (b.kind === 'char') return a.kind === 'deep' || b.char !== separator;
  return true;
}

/** Steps of a host pattern: `*` as a whole label is one label, `**` one or more; neither is empty. */
export function hostSteps(host: string): readonly Step[] {
  return host.split('.').flatMap((label, index): Step[] => {
    const before: Step[] = index === 0 ? [] : [{ kind: 'char', char: '.' }];
    if (label === '*') return [...before, { kind: 'any' }, { kind: 'star' }];
    if (label === '**') return [...before, { kind: 'any' }, { kind: 'deep' }];
    return [
      ...before,
      ...[...label].map((char): Step => (char === '*' ? { kind: 'star' } : { kind: 'char', char })),
    ];
  });
}

/**
 * Steps of an endpoint path selector: '', `**` and `/**` are everything, `X/**` is X and everything below. Brackets and
 * braces are read as wider than they are, so two patterns may be called overlapping that are not, never the reverse.
 */
export function pathSteps(pattern: string): readonly Step[] {
  if (pattern === '' || pattern === '**' || pattern === '/**') return [{ kind: 'deep' }];
  const components = pattern.replace(/\{[^}]*\}/g, '\u0000').split('/');
  return components.flatMap((component, index): Step[] => {
    const slash: Step[] = index === 0 ? [] : [{ kind: 'char', char: '/' }];
    if (component !== '**') return [...slash, ...componentSteps(component)];
    if (index === components.length - 1) return [{ kind: 'optional', count: 2 }, ...slash, { kind: 'deep' }];
    return [{ kind: 'optional', count: index === 0 ? 1 : 2 }, ...slash, { kind: 'deep' }];
  });
}

function componentSteps(component: string): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < component.length; i += 1) {
    const char = component[i]!;
    const close = char === '[' ? component.indexOf(']', i + 2) : -1;
    if (char === '*') steps.push({ kind: 'star' });
    else if (char === '\u0000') steps.push({ kind: 'deep' });
    else if (char === '?' || close > 0) steps.push({ kind: 'any' });
    else steps.push({ kind: 'char', char });
    if (close > 0) i = close;
  }
  return steps;
}

/** Characters of a path selector that are not `*`: the larger number is the more specific one. */
export const specificity = (pattern: string): number => pattern.replaceAll('*', '').length;
