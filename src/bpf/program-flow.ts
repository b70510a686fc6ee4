/** What is known at each instruction of a program, for people who read it: what A holds, and which calls come by. */
import { dataField, type Instruction } from './instruction.ts';
import { CODE, isConditionalJump, type VerifiedProgram } from './verify.ts';

/** Numbers of system calls, both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export interface Point {
  /** What A holds, when it is the same on every way: 32 bits at an offset, under a mask. */
  readonly held: { readonly offset: number; readonly mask: number } | null;
  /** Numbers of the calls that can be here, sorted, without overlap; of the architecture that was asked for. */
  readonly numbers: readonly NumberRange[];
  /** Arguments whose low 32 bits are known exactly, by their index. */
  readonly args: ReadonlyMap<number, number>;
}

const EVERY_NUMBER: readonly NumberRange[] = [{ from: 0, to: 0xffff_ffff }];

/** One point per instruction; null for one that no way leads to. */
export function programFlow(program: VerifiedProgram): readonly (Point | null)[] {
  const points = new Array<Point | null>(program.length).fill(null);
  points[0] = { held: null, numbers: EVERY_NUMBER, args: new Map() };
  const arrive = (index: number, point: Point): void => {
    const before = points[index] ?? null;
    points[index] = before === null ? point : join(before, point);
  };
  for (const [index, instruction] of program.entries()) {
    const point = points[index] ?? null;
    if (point === null) continue;
    const { code, jt, jf, k } = instruction;
    if (code === CODE.retK || code === CODE.retA) continue;
    if (code === CODE.ja) arrive(index + 1 + k, point);
    else if (isConditionalJump(code)) {
      arrive(index + 1 + jt, behind(point, instruction, true));
      arrive(index + 1 + jf, behind(point, instruction, false));
    } else arrive(index + 1, { ...point, held: heldAfter(point, instruction) });
  }
  return points;
}

function heldAfter({ held }: Point, { code, k }: Instruction): Point['held'] {
  if (code === CODE.ldAbs) return { offset: k, mask: 0xffff_ffff };
  if (code === CODE.andK && held !== null) return { ...held, mask: (held.mask & k) >>> 0 };
  return null;
}

/** What is known behind one exit of a jump. */
function behind(point: Point, { code, k }: Instruction, taken: boolean): Point {
  const { held } = point;
  const field = held?.mask === 0xffff_ffff ? dataField(held.offset) : null;
  if (field?.field === 'nr') return { ...point, numbers: narrow(point.numbers, code, k, taken) };
  if (field?.field !== 'arg' || field.half !== 'low' || code !== CODE.jeqK || !taken) return point;
  return { ...point, args: new Map(point.args).set(field.index, k) };
}

function narrow(
  numbers: readonly NumberRange[],
  code: number,
  k: number,
  taken: boolean,
): readonly NumberRange[] {
  const least = code === CODE.jgtK ? k + 1 : k;
  switch (code) {
    case CODE.jeqK:
      return taken ? cut(numbers, k, k) : [...cut(numbers, 0, k - 1), ...cut(numbers, k + 1, 0xffff_ffff)];
    case CODE.jgeK:
    case CODE.jgtK:
      return taken ? cut(numbers, least, 0xffff_ffff) : cut(numbers, 0, least - 1);
    default:
      return numbers;
  }
}

function cut(numbers: readonly NumberRange[], from: number, to: number): readonly NumberRange[] {
  return numbers
    .map((range) => ({ from: Math.max(range.from, from), to: Math.min(range.to, to) }))
    .filter((range) => range.from <= range.to);
}

function join(a: Point, b: Point): Point {
  const same = a.held !== null && a.held.offset === b.held?.offset && a.held.mask === b.held.mask;
  const numbers: NumberRange[] = [];
  for (const range of [...a.numbers, ...b.numbers].sort((one, other) => one.from - other.from)) {
    const last = numbers.at(-1);
    if (last !== undefined && range.from <= last.to + 1)
      numbers[numbers.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    else numbers.push(range);
  }
  const args = new Map([...a.args].filter(([index, value]) => b.args.get(index) === value));
  return { held: same ? a.held : null, numbers, args };
}
