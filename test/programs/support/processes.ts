/** Processes of this host, as proc(5) tells of them. */
import { readdirSync, readFileSync } from 'node:fs';

export interface HostProcess {
  readonly pid: number;
  readonly parent: number;
  /** The process that leads its session (setsid(2)). */
  readonly session: number;
  /** One letter: `R`, `S`, `T` for stopped, `Z` for ended and not yet waited for. */
  readonly state: string;
  readonly name: string;
}

export function processOf(pid: number): HostProcess | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // it has ended
  }
  const end = text.lastIndexOf(')');
  const [state, parent, , session] = text.slice(end + 2).split(' ');
  const name = text.slice(text.indexOf('(') + 1, end);
  return { pid, parent: Number(parent), session: Number(session), state: state!, name };
}

export const allProcesses = (): HostProcess[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processOf(Number(name)) ?? []);

/** Its arguments, or none when it has ended. */
export function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** Every process below `pid`, nearest first. */
export function descendantsOf(pid: number): HostProcess[] {
  const all = allProcesses();
  const found: HostProcess[] = [];
  for (let parents = [pid]; parents.length > 0; ) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** The one descendant of that name, or undefined. */
export const descendant = (pid: number, name: string): HostProcess | undefined =>
  descendantsOf(pid).find((process) => process.name === name);
