/** A program as assembly that a person can review: every instruction on one line, with the names of what it tests. */
import { RETURN_DATA_MASK, returnName } from './action.ts';
import { type DataField, dataField, type Instruction } from './instruction.ts';
import { type NumberRange, type Point, programFlow } from './program-flow.ts';
import { CODE, type VerifiedProgram } from './verify.ts';

/** Where names come from. Each gives undefined for what has none. */
export interface ListingNames {
  readonly arch: (value: number) => string | undefined;
  readonly syscall: (nr: number) => string | undefined;
  readonly errno: (errno: number) => string;
  readonly argument: (nr: number, index: number) => string | undefined;
  /** A value, or a set of bits, that an argument of a call is compared with. */
  readonly value: (compared: ComparedValue) => string | undefined;
}

export interface ComparedValue {
  readonly nr: number;
  readonly index: number;
  readonly value: number;
  readonly kind: 'value' | 'bits';
  /** Other arguments, as far as tests before this one have settled them. */
  readonly known: (index: number) => number | undefined;
}

/** Calls named on one line before the rest is counted. */
const MAX_NAMES = 4;
/** More calls than this at one place: naming them says nothing. */
const MAX_CALLS = 16;

const OPERATION: ReadonlyMap<number, string> = new Map([
  [CODE.ldAbs, 'ld'],
  [CODE.andK, 'and'],
  [CODE.ja, 'ja'],
  [CODE.jeqK, 'jeq'],
  [CODE.jgtK, 'jgt'],
  [CODE.jgeK, 'jge'],
  [CODE.jsetK, 'jset'],
  [CODE.retK, 'ret'],
]);

/** Lines without a line end; instructions count from 0, and jumps name the instruction that they lead to. */
export function listProgram(program: VerifiedProgram, names: ListingNames): readonly string[] {
  const flow = programFlow(program);
  const width = String(program.length - 1).length;
  return program.map((instruction, index) => {
    const point = flow[index] ?? null;
    const operation = OPERATION.get(instruction.code) ?? `0x${instruction.code.toString(16)}`;
    const comment = point === null ? 'never reached' : commentOf(instruction, point, names);
    const text = `${String(index).padStart(width)}  ${operation.padEnd(4)} ${operandOf(instruction, index, names)}`;
    return comment === '' ? text.trimEnd() : `${text.padEnd(width + 40)} ${comment}`;
  });
}

function operandOf({ code, jt, jf, k }: Instruction, index: number, names: ListingNames): string {
  switch (code) {
    case CODE.ldAbs:
      return `[${k}]`;
    case CODE.ja:
      return `-> ${index + 1 + k}`;
    case CODE.jeqK:
    case CODE.jgtK:
    case CODE.jgeK:
    case CODE.jsetK: {
      const value = code === CODE.jsetK || k >= 0x10000 ? hex(k) : String(k);
      return `${value.padEnd(11)}-> ${String(index + 1 + jt).padEnd(4)} else ${index + 1 + jf}`;
    }
    case CODE.retK:
      return returned(k, names);
    case CODE.andK:
      return hex(k);
    default:
      return `${hex(k)} ${jt} ${jf}`;
  }
}

function returned(k: number, names: ListingNames): string {
  const action = returnName(k);
  const data = k & RETURN_DATA_MASK;
  if (action === 'errno') return data === 0 ? 'return 0' : `errno ${names.errno(data)}`;
  return action === 'killProcess' ? 'kill process' : action === 'killThread' ? 'kill thread' : action;
}

function commentOf(instruction: Instruction, point: Point, names: ListingNames): string {
  if (instruction.code === CODE.ldAbs) return loadComment(dataField(instruction.k)!, point, names);
  if (instruction.code === CODE.retK) return callNames(point.numbers, names);
  const held = point.held === null ? null : dataField(point.held.offset);
  if (held === null || instruction.code === CODE.ja || instruction.code === CODE.andK) return '';
  switch (held.field) {
    case 'arch':
      return names.arch(instruction.k) ?? '';
    case 'nr':
      return names.syscall(instruction.k) ?? '';
    case 'arg':
      return held.half === 'low' ? valueComment(held.index, instruction, point, names) : '';
    case 'ip':
      return '';
  }
}

function loadComment(field: DataField, { numbers }: Point, names: ListingNames): string {
  if (field.field === 'nr' || field.field === 'arch') return field.field;
  if (field.field === 'ip') return `instruction pointer, ${field.half} word`;
  const calls = knownCalls(numbers, names);
  const argument = agreed(calls, (nr) => names.argument(nr, field.index));
  const place = `arg${field.index}${field.half === 'high' ? ', high word' : ''}`;
  const called = callNames(numbers, names);
  return `${called === '' ? '' : `${called}: `}${argument === undefined ? place : `${argument} (${place})`}`;
}

function valueComment(index: number, { code, k }: Instruction, point: Point, names: ListingNames): string {
  const kind = code === CODE.jsetK ? 'bits' : 'value';
  const known = (other: number): number | undefined => point.args.get(other);
  const calls = knownCalls(point.numbers, names);
  return agreed(calls, (nr) => names.value({ nr, index, value: k, kind, known })) ?? '';
}

/** What every call gives, when they all give the same. */
function agreed(calls: readonly number[], name: (nr: number) => string | undefined): string | undefined {
  const all = new Set(calls.map(name));
  return all.size === 1 ? [...all][0] : undefined;
}

/** Numbers that have a name, in order; none when there are more than can be told. */
function knownCalls(numbers: readonly NumberRange[], names: ListingNames): readonly number[] {
  const calls: number[] = [];
  for (const { from, to } of numbers) {
    if (to - from > 2 * MAX_CALLS) return [];
    for (let nr = from; nr <= to; nr += 1) if (names.syscall(nr) !== undefined) calls.push(nr);
    if (calls.length > MAX_CALLS) return [];
  }
  return calls;
}

function callNames(numbers: readonly NumberRange[], names: ListingNames): string {
  const calls = knownCalls(numbers, names).map((nr) => names.syscall(nr)!);
  if (calls.length <= MAX_NAMES) return calls.join(', ');
  return `${calls.slice(0, MAX_NAMES).join(', ')} and ${calls.length - MAX_NAMES} more`;
}

const hex = (value: number): string => `0x${value.toString(16)}`;
