/** What a filter answers to a call, and the value that says so to the kernel (SECCOMP_RET_*, linux/seccomp.h). */
import { unreachable } from '../base/unreachable.ts';

export type Action =
  | { readonly kind: 'allow' }
  /** The call is not made and fails with this errno; 0: it is not made and returns 0. */
  | { readonly kind: 'errno'; readonly errno: number }
  /** The call waits for the process that holds the listener. */
  | { readonly kind: 'notify' }
  /** SIGSYS to the whole process. */
  | { readonly kind: 'kill' };

export const ALLOW: Action = { kind: 'allow' };
export const NOTIFY: Action = { kind: 'notify' };
export const KILL: Action = { kind: 'kill' };
export const errno = (number: number): Action => ({ kind: 'errno', errno: number });

export const RETURN = {
  killProcess: 0x8000_0000,
  killThread: 0x0000_0000,
  trap: 0x0003_0000,
  errno: 0x0005_0000,
  notify: 0x7fc0_0000,
  trace: 0x7ff0_0000,
  log: 0x7ffc_0000,
  allow: 0x7fff_0000,
} as const;
export type ReturnName = keyof typeof RETURN | 'unknown';

export const RETURN_ACTION_MASK = 0xffff_0000;
export const RETURN_DATA_MASK = 0x0000_ffff;
/** The kernel lowers a larger errno to this (MAX_ERRNO). */
const MAX_ERRNO = 4095;

/** The value of a `ret` instruction. */
export function returnValue(action: Action): number {
  switch (action.kind) {
    case 'allow':
      return RETURN.allow;
    case 'errno':
      return RETURN.errno | action.errno;
    case 'notify':
      return RETURN.notify;
    case 'kill':
      return RETURN.killProcess;
    default:
      return unreachable(action, 'returnValue');
  }
}

/** The action of a returned value; the kernel kills the process on one that it does not know. */
export function returnName(value: number): ReturnName {
  const action = (value & RETURN_ACTION_MASK) >>> 0;
  for (const [name, known] of Object.entries(RETURN)) if (known === action) return name as ReturnName;
  return 'unknown';
}

/** Null when the action can be encoded; otherwise why not. */
export function actionProblem(action: Action): string | null {
  if (action.kind !== 'errno') return null;
  const fits = Number.isInteger(action.errno) && action.errno >= 0 && action.errno <= MAX_ERRNO;
  return fits ? null : `errno ${action.errno} is not a number from 0 to ${MAX_ERRNO}`;
}

/** Equal actions have equal keys. */
export const actionKey = (action: Action): string =>
  action.kind === 'errno' ? `errno ${action.errno}` : action.kind;
