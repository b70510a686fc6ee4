/** Processes of this host, as proc(5) tells of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

interface HostProcess {
  readonly pid: number;
  readonly parent: number;
  /** One letter: `Z` and `X` have ended. */
  readonly state: string;
  readonly name: string;
}

function read(pid: number): HostProcess | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const end = text.lastIndexOf(')');
    const [state, parent] = text.slice(end + 2).split(' ');
    return { pid, parent: Number(parent), state: state!, name: text.slice(text.indexOf('(') + 1, end) };
  } catch {
    return null;
  }
}

const lives = ({ state }: HostProcess): boolean => state !== 'Z' && state !== 'X';

function all(): HostProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => read(Number(name)))
    .filter((one) => one !== null)
    .filter(lives);
}

/** Whether it runs: a process that has ended and that nobody has waited for does not. */
export function isAlive(pid: number): boolean {
  const found = read(pid);
  return found !== null && lives(found);
}

/** All processes below `top`, without itself; children before their own. */
export function below(top: number): HostProcess[] {
  const children = new Map<number, HostProcess[]>();
  for (const one of all()) children.set(one.parent, [...(children.get(one.parent) ?? []), one]);
  const found: HostProcess[] = [];
  for (let at = children.get(top) ?? []; at.length > 0; at = at.flatMap(({ pid }) => children.get(pid) ?? []))
    found.push(...at);
  return found;
}

export const descendantsOf = (top: number): number[] => below(top).map(({ pid }) => pid);

/** Living processes whose name is `name` (at most 15 bytes). */
export const named = (name: string): number[] =>
  all()
    .filter((one) => one.name === name)
    .map(({ pid }) => pid);

/** Waits until `condition` gives something, at most `limitMs`; then null. */
export async function eventually<T>(condition: () => T | null | false, limitMs = 10_000): Promise<T | null> {
  for (const end = performance.now() + limitMs; performance.now() < end; await sleep(10)) {
    const value = condition();
    if (value !== null && value !== false) return value;
  }
  return null;
}
