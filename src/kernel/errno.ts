/** Error numbers and their names, both ways (errno(3); the same on both architectures). */
import { ERRNO_ALIASES, ERRNOS } from './gen/errnos.ts';

export { ERRNOS } from './gen/errnos.ts';
export type ErrnoName = keyof typeof ERRNOS;

/** Largest number that SECCOMP_RET_ERRNO can answer (MAX_ERRNO in linux/err.h); the kernel lowers larger ones to it. */
export const MAX_ERRNO = 4095;

const NUMBERS: Readonly<Record<string, number>> = ERRNOS;
const ALIASES: Readonly<Record<string, string>> = ERRNO_ALIASES;
const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(NUMBERS).map(([name, n]) => [n, name]));

/** The number of `EPERM` and the like, or undefined. */
export function errnoNumber(name: string): number | undefined {
  const canonical = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name;
  return Object.hasOwn(NUMBERS, canonical) ? NUMBERS[canonical] : undefined;
}

/** `EPERM` for 1; `errno 200` for a number without a name. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? `errno ${errno}`;
