/** Autobahn's WebSocket cases, by kosoku (PyPI) in a virtual environment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Installed, installedOnce } from '../support/installed-once.ts';

const VERSION = '0.1.0';
const PIP = ['-q', '--disable-pip-version-check', '--retries', '1', '--timeout', '20'];
const SCRIPT = fileURLToPath(new URL('run_cases.py', import.meta.url));

export interface CaseResult {
  readonly id: string;
  readonly passed: boolean;
  readonly behavior: string;
  readonly close: string;
}

/** Its program is Python. Without Python or a package index there is none. */
export const installedKosoku = (): Promise<Installed> =>
  installedOnce({
    name: 'kosoku',
    version: VERSION,
    program: 'bin/python',
    steps: (directory) => [
      { argv: ['python3', '-m', 'venv', directory] },
      { argv: [join(directory, 'bin/python'), '-m', 'pip', 'install', ...PIP, `kosoku==${VERSION}`] },
    ],
  });

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
  const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new Error(`kosoku ended with ${code ?? signal}`);
}
