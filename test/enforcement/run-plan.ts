/** Runs a program under a plan of the test's making: plan-runner.ts, bundled once per test file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { NO_REQUEST } from '../../src/compile/input.ts';
import type { NetworkMode, Tier } from '../../src/plan/plan.ts';
import { type CommandOptions, type Outcome, runCommand } from '../support/command.ts';
import { OPENSHELL } from '../support/product.ts';
import type { PlanRun } from './plan-runner.ts';

export interface PlanRunOptions extends CommandOptions {
  readonly workdir: string;
  readonly policy?: string;
  readonly network?: NetworkMode;
  readonly tier?: Tier;
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly refusalErrno?: number;
  readonly changes?: PlanRun['changes'];
  readonly events?: string;
}

export class PlanRunner {
  readonly #directory: string;
  readonly #bundle: string;
  #runs = 0;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#bundle = join(directory, 'plan-runner.mjs');
  }

  static async make(directory: string): Promise<PlanRunner> {
    const runner = new PlanRunner(directory);
    await build({
      entryPoints: [fileURLToPath(new URL('plan-runner.ts', import.meta.url))],
      outfile: runner.#bundle,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      logLevel: 'error',
      banner: {
        js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
      },
    });
    return runner;
  }

  run(command: PlanRun['command'], options: PlanRunOptions): Promise<Outcome> {
    this.#runs += 1;
    const request = join(this.#directory, `plan-run-${this.#runs}.json`);
    const {
      workdir,
      policy,
      network,
      tier = 'namespaces',
      read,
      write,
      refusalErrno,
      changes,
      events,
    } = options;
    const run: PlanRun = {
      script: OPENSHELL,
      policy: policy ?? null,
      operator: { ...NO_REQUEST, network: network ?? null, tier, read: read ?? [], write: write ?? [] },
      workdir,
      command,
      refusalErrno: refusalErrno ?? null,
      changes: changes ?? [],
      events: events ?? null,
    };
    writeFileSync(request, JSON.stringify(run));
    return runCommand([process.execPath, this.#bundle, request], { cwd: workdir, ...options });
  }
}
