/** Runs openshell on a terminal, step by step, through Python's pty module. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { find } from '../../programs/support/host.ts';
import { environmentOf, finished, OPENSHELL, type Options } from '../../programs/support/openshell.ts';

/** As terminal.py reads them. */
export type Step =
  | { readonly expect: string }
  | { readonly send: string }
  | { readonly paste: readonly [text: string, times: number] }
  | { readonly resize: readonly [rows: number, columns: number] }
  | { readonly signal: string }
  | { readonly hangup: true }
  | { readonly wait: true };

export interface Session {
  /** Everything that was written to the terminal. */
  readonly output: string;
  /** As a shell counts it: 128+n for a signal. */
  readonly status: number | null;
  /** Whether the terminal's settings are those from before; null when it was closed. */
  readonly restored: boolean | null;
}

const python = find('python3');
/** Why terminals cannot be driven here, or null. */
export const noTerminal = python === null ? 'python3 is not installed' : null;

/** Throws when a step never came true. An empty `TERM` stands for none. */
export async function onTerminal(
  args: readonly string[],
  steps: readonly Step[],
  options: Options & { readonly argv?: readonly string[] },
): Promise<Session> {
  const child = spawn(python!, [fileURLToPath(new URL('terminal.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { TERM = 'xterm', ...env } = environmentOf(options);
  const task = {
    argv: options.argv ?? [process.execPath, OPENSHELL, ...args],
    env: TERM === '' ? env : { ...env, TERM },
    cwd: options.cwd,
    rows: 31,
    columns: 97,
    steps,
  };
  child.stdin.end(JSON.stringify(task));
  const { code, stdout, stderr } = await finished(child);
  if (code !== 0) throw new Error(`the driver failed: ${stderr}`);
  const { problem, ...session } = JSON.parse(stdout) as Session & { problem: string | null };
  if (problem !== null) throw new Error(`${problem}; the terminal shows:\n${session.output}`);
  return session;
}
