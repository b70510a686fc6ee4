/** A home, a project and openshell in them, for tests that need a sandbox of their own. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe } from 'vitest';
import type { OpenshellEvent } from '../../src/event/event.ts';
import type { Tier } from '../../src/plan/plan.ts';
import { type CommandOptions, ended, type Outcome, runCommand, start } from '../support/command.ts';
import { cleanEnvironment, isRoot, isRootRole, notBuilt, openshell } from '../support/product.ts';
import { Scratch } from '../support/scratch.ts';
import { compileProbe, noCompiler } from './probe-program.ts';

/** Why nothing of this suite can run here, or null. */
export const unavailable: string | null =
  notBuilt ?? noCompiler ?? (isRoot && !isRootRole ? 'root: OPENSHELL_TEST_ROLE=root' : null);

/** Root has no platform tier for a workload of its own. */
export const TIERS: readonly Tier[] = isRootRole ? ['namespaces'] : ['namespaces', 'platform'];

/** What `define` defines, once for each tier. */
export function inEachTier(define: (tier: Tier) => void): void {
  for (const tier of TIERS) describe.skipIf(unavailable !== null)(`${tier} tier:`, () => define(tier));
}

export interface Run extends Outcome {
  readonly events: readonly OpenshellEvent[];
}

export class Workplace {
  readonly scratch: Scratch;
  readonly home: string;
  readonly project: string;
  /** The probe program; show it with `--read`. */
  readonly probe: string;
  readonly tier: Tier;
  #runs = 0;

  constructor(name: string, tier: Tier = 'namespaces') {
    this.tier = tier;
    this.scratch = new Scratch(name);
    this.home = this.scratch.directory('home');
    this.project = this.scratch.directory('project');
    this.probe = compileProbe(this.scratch.directory('tools'));
  }

  get environment(): Record<string, string> {
    return cleanEnvironment(this.home, join(this.scratch.path, 'cache'));
  }

  /** `openshell run` in the project, with its events. */
  async run(
    options: readonly string[],
    command: readonly string[],
    how: Partial<CommandOptions> = {},
  ): Promise<Run> {
    this.#runs += 1;
    const events = join(this.scratch.path, `events-${this.#runs}.jsonl`);
    const outcome = await ended(this.start([...options, '--events', events], command, how), how.limitMs);
    return { ...outcome, events: eventsIn(events) };
  }

  /** The same, without waiting for the end, and without events unless `options` say so. */
  start(options: readonly string[], command: readonly string[], how: Partial<CommandOptions> = {}) {
    return start(this.commandLine(options, command), {
      cwd: this.project,
      env: this.environment,
      ...how,
    });
  }

  commandLine(options: readonly string[], command: readonly string[]): string[] {
    return [...openshell(), 'run', '--tier', this.tier, '--read', this.probe, ...options, '--', ...command];
  }

  /** A program of the host. */
  onHost(argv: readonly string[], cwd = this.project): Promise<Outcome> {
    return runCommand(argv, { cwd, env: this.environment });
  }

  /** @returns the path */
  write(name: string, text: string, directory = this.project): string {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  remove(): void {
    this.scratch.remove();
  }
}

/** The events of a file; none when there is no file. */
export function eventsIn(path: string): OpenshellEvent[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {}
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as OpenshellEvent);
}

export const denialsIn = (events: readonly OpenshellEvent[]): OpenshellEvent[] =>
  events.filter(({ type }) => type === 'denial');
