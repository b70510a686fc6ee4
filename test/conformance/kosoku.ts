/**
 * Autobahn's WebSocket cases, by kosoku (PyPI) in a virtual environment that is made once for a machine. Without Python or
 * a package index there is none.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const VERSION = '0.1.0';
const SCRIPT = fileURLToPath(new URL('run_cases.py', import.meta.url));
const run = promisify(execFile);

export interface CaseResult {
  readonly id: string;
  readonly passed: boolean;
  readonly behavior: string;
  readonly close: string;
}

export type Kosoku = { readonly python: string } | { readonly missing: string };

/** Made beside its place and renamed, so that one that is there is whole. */
export async function installed(): Promise<Kosoku> {
  const home = join(tmpdir(), `openshell-kosoku-${VERSION}-${process.getuid!()}`);
  const python = join(home, 'bin', 'python');
  if (existsSync(python)) return { python };
  const fresh = `${home}.${process.pid}`;
  const pip = [
    '-m',
    'pip',
    'install',
    '-q',
    '--disable-pip-version-check',
    '--retries',
    '1',
    '--timeout',
    '20',
  ];
  try {
    await run('python3', ['-m', 'venv', fresh]);
    await run(join(fresh, 'bin', 'python'), [...pip, `kosoku==${VERSION}`]);
    renameSync(fresh, home);
  } catch (error) {
    if (!existsSync(python)) return { missing: `kosoku ${VERSION} cannot be installed: ${reasonOf(error)}` };
  }
  return { python };
}

const reasonOf = (error: unknown): string =>
  String((error as { stderr?: string }).stderr || (error as Error).message)
    .trim()
    .split('\n')
    .at(-1)!;

/** Runs cases against the server at that URL. */
export async function againstServer(
  python: string,
  url: string,
  cases: readonly string[],
): Promise<CaseResult[]> {
  const child = started(python, ['client', url, ...cases]);
  const results: CaseResult[] = [];
  for await (const line of linesOf(child)) results.push(JSON.parse(line) as CaseResult);
  return results;
}

/** Serves cases; `drive` is told the port, runs all of them, and asks for the reports. */
export async function againstClient(
  python: string,
  cases: readonly string[],
  drive: (port: number) => Promise<void>,
): Promise<CaseResult[]> {
  const child = started(python, ['server', ...cases]);
  const results: CaseResult[] = [];
  let driving: Promise<void> | null = null;
  for await (const line of linesOf(child)) {
    const parsed = JSON.parse(line) as CaseResult | { readonly port: number };
    if ('port' in parsed) driving = drive(parsed.port);
    else results.push(parsed);
  }
  await driving;
  return results;
}

const started = (python: string, args: readonly string[]): ChildProcess =>
  spawn(python, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

async function* linesOf(child: ChildProcess): AsyncIterable<string> {
  const exited = once(child, 'exit');
  yield* createInterface({ input: child.stdout! });
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`kosoku ended with ${code}`);
}
