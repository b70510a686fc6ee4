/** Runs a program to its end, with a bound on how long that may take, and with open files of the caller's choice. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Standard input: text, or an open file; nothing by default. */
  readonly input?: string | number;
  /** Standard input is a pipe, which the caller writes to and ends. */
  readonly withInput?: boolean;
  /** Standard output as an open file of the caller; by default it is collected. */
  readonly output?: number;
  /** Open files of the caller, by the number that the program finds them under (3 and above). */
  readonly files?: Readonly<Record<number, number>>;
  /** As whom, when root starts it; without supplementary groups. */
  readonly as?: UserIds | undefined;
  /** Milliseconds after which the program and its process group are killed, and the promise rejects. */
  readonly limitMs?: number;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LIMIT_MS = 60_000;
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) killGroup(child);
});

/** Starts a program in a process group of its own, which is killed when the test run ends. */
export function start(argv: readonly string[], options: CommandOptions): ChildProcess {
  const [program, ...args] = argv;
  const { input, withInput = false, output, files = {} } = options;
  const stdio: ('ignore' | 'pipe' | number)[] = [
    typeof input === 'number' ? input : input === undefined && !withInput ? 'ignore' : 'pipe',
    output ?? 'pipe',
    'pipe',
  ];
  for (const [number, file] of Object.entries(files)) {
    while (stdio.length <= Number(number)) stdio.push('ignore');
    stdio[Number(number)] = file;
  }
  const child = spawn(program!, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.as ?? {}),
    env: options.env,
    stdio,
    detached: true,
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  if (typeof input === 'string') {
    child.stdin?.on('error', () => {}); // it need not read what it is given
    child.stdin?.end(input);
  }
  return child;
}

export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {} // it has ended
}

/** Waits until the program has ended and its output is closed. */
export function ended(child: ChildProcess, limitMs = LIMIT_MS): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => {
      killGroup(child);
      reject(new Error(`it had not ended after ${limitMs} ms; it wrote:\n${stdout}\n${stderr}`));
    }, limitMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

export const runCommand = (argv: readonly string[], options: CommandOptions): Promise<Outcome> =>
  ended(start(argv, options), options.limitMs);
