/** Runs the built command line as a user would, with a small environment and a bound on how long it may take. */
import { type ChildProcess, type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, onTestFailed } from 'vitest';
import type { OpenshellEvent } from '../../../src/event/event.ts';
import { SEARCH_PATH } from './host.ts';

/** The repository, or the copy of it that an ordinary user can read. */
export const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
export const OPENSHELL = join(PACKAGE, 'dist', 'openshell.cjs');

export interface Options {
  readonly cwd: string;
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; null: none (/dev/null). */
  readonly input?: string | Uint8Array | null;
  /** Milliseconds after which the run is killed and the test fails. */
  readonly patience?: number;
  /** Another copy of openshell, and another Node to run it. */
  readonly script?: string;
  readonly node?: string;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Running = ChildProcessByStdio<Writable, Readable, Readable>;

/** The environment of openshell: nothing of the test runner's own. */
export const environmentOf = ({ home, env }: Pick<Options, 'home' | 'env'>): Record<string, string> => ({
  PATH: SEARCH_PATH,
  HOME: home,
  LANG: 'C.UTF-8',
  ...env,
});

/** `OPENSHELL_TEST_TIER=platform` runs the same tests in the other tier. */
export const TIER = process.env['OPENSHELL_TEST_TIER'] === 'platform' ? 'platform' : 'namespaces';

/** What the tier without namespaces lacks by its nature (docs/tiers.md): such a test runs in the other only. */
export const inNamespaces = TIER === 'namespaces';

const inTier = ([command, ...rest]: readonly string[]): string[] =>
  command === 'run' && TIER === 'platform' ? ['run', '--tier', TIER, ...rest] : [command!, ...rest];

/** Started and left running: the caller ends it. */
export function start(args: readonly string[], options: Options, spawnOptions: SpawnOptions = {}): Running {
  return spawn(options.node ?? process.execPath, ['--', options.script ?? OPENSHELL, ...inTier(args)], {
    cwd: options.cwd,
    env: environmentOf(options),
    stdio: ['pipe', 'pipe', 'pipe'],
    ...spawnOptions,
  }) as Running;
}

/** Waits for the end of a child and collects what it writes. Rejects, and kills it, when it takes too long. */
export function finished(child: ChildProcess, patience = 60_000): Promise<Finished> {
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
      child.kill('SIGKILL');
      reject(new Error(`it did not end within ${patience} ms; it wrote:\n${stdout}\n${stderr}`));
    }, patience);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Runs openshell to its end. */
export function openshell(args: readonly string[], options: Options): Promise<Finished> {
  const child = start(args, options);
  child.stdin.on('error', () => {}); // a program need not read what it is given
  if (options.input !== null) child.stdin.write(options.input ?? '');
  child.stdin.end();
  const ended = finished(child, options.patience);
  if (expect.getState().currentTestName !== undefined) onTestFailed(() => tellWhatItSaid(args, ended));
  return ended;
}

/** Of all that a test got from openshell, the report of its failure shows only what was not as expected. */
async function tellWhatItSaid(args: readonly string[], ended: Promise<Finished>): Promise<void> {
  const { code, signal, stderr } = await ended;
  const how = `openshell ${args.slice(0, 3).join(' ')} … ended with ${signal ?? code}`;
  throw new Error(`${how} and wrote:\n${stderr.slice(-2000)}`);
}

/** The events of a file, or of standard error; lines that are none are left out. */
export function eventsIn(text: string): OpenshellEvent[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as OpenshellEvent);
}

export const eventsOf = (path: string): OpenshellEvent[] => eventsIn(readFileSync(path, 'utf8'));
