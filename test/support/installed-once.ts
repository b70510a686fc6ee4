/**
 * Tools of others that tests need: installed once for a machine, below the directory for temporary files, and left there.
 * Each user has a place; what root installed serves everybody.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chmodSync, constants, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './command.ts';

export interface Tool {
  readonly name: string;
  /** Exact: another version is another tool. */
  readonly version: string;
  /** What is run, below the directory of the tool. */
  readonly program: string;
  /** Commands that fill the directory, which is empty, and in which they run. It is renamed afterwards. */
  readonly steps: (directory: string) => readonly Step[];
}

export interface Step {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export type Installed =
  | { readonly directory: string; readonly program: string }
  | { readonly missing: string };

/** Of waiting for another installation, and of one command: the slowest compiles for some minutes. */
const LIMIT_MS = 600_000;

/** For a test's name: why it is skipped, or nothing. */
export const skipped = (tool: Installed): string => ('missing' in tool ? ` (skipped: ${tool.missing})` : '');

/** @param root where every user may make a directory */
export async function installedOnce(tool: Tool, root = tmpdir()): Promise<Installed> {
  try {
    return found(tool, root) ?? (await locked(root, async () => found(tool, root) ?? install(tool, root)));
  } catch (error) {
    const [why] = (error as Error).message.split('\n');
    return { missing: `${tool.name} ${tool.version} cannot be installed: ${why}` };
  }
}

const placeOf = (root: string, uid: number): string => join(root, `openshell-tools-${uid}`);
const lastLine = (text: string): string => text.trim().split('\n').at(-1)!;
const nameOf = ({ name, version }: Tool): string => `${name}-${version}`;

/** Whole, since it is renamed when it is; and by nobody else, since everybody may write to `root`. */
function found(tool: Tool, root: string): Installed | null {
  for (const uid of new Set([process.getuid!(), 0])) {
    const place = placeOf(root, uid);
    const directory = join(place, nameOf(tool));
    const program = join(directory, tool.program);
    try {
      accessSync(program, constants.X_OK);
      checkOwner(place, uid);
      return { directory, program };
    } catch {} // not there, or not for this user
  }
  return null;
}

function checkOwner(place: string, uid: number): void {
  const stats = lstatSync(place);
  if (!stats.isDirectory() || stats.uid !== uid) throw new Error(`${place} is not of user ${uid}: remove it`);
}

/** Only under the lock: what lies at `fresh` is left from one that was stopped. */
async function install(tool: Tool, root: string): Promise<Installed> {
  const place = placeOf(root, process.getuid!());
  const directory = join(place, nameOf(tool));
  const fresh = `${directory}.fresh`;
  mkdirSync(place, { recursive: true });
  checkOwner(place, process.getuid!());
  for (const path of [directory, fresh]) rmSync(path, { recursive: true, force: true });
  mkdirSync(fresh);
  try {
    for (const { argv, env } of tool.steps(fresh)) {
      const all = { ...(process.env as Record<string, string>), ...env };
      const { code, stdout, stderr } = await runCommand(argv, { cwd: fresh, env: all, limitMs: LIMIT_MS });
      if (code !== 0)
        throw new Error(lastLine(stderr) || lastLine(stdout) || `${argv[0]} ended with ${code}`);
    }
    accessSync(join(fresh, tool.program), constants.X_OK);
    for (const path of [place, fresh]) chmodSync(path, 0o755); // the workload may be another user
    renameSync(fresh, directory);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return { directory, program: join(directory, tool.program) };
}

/**
 * One installation at a time, whoever runs it: a lock of the kernel on the directory, which ends with who holds it
 * (flock(1), whose command ends when its input does).
 */
async function locked<T>(root: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', ['--timeout', String(LIMIT_MS / 1000), root, 'sh', '-c', 'echo held; cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const gone = goneFrom(holder);
  try {
    await Promise.race([once(holder.stdout, 'data'), gone.then(() => Promise.reject(notHeld(root)))]);
    return await work();
  } finally {
    holder.stdin.end();
    await gone;
  }
}

/** Resolves as well when it could not be started. */
const goneFrom = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });

const notHeld = (root: string): Error =>
  new Error(`\`flock ${root}\` did not get the lock within ${LIMIT_MS / 1000} s, or is not installed`);
