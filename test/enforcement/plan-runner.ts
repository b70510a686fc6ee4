/**
 * Runs a program under a plan that the command line cannot ask for: with another errno in the place of every refusal, or
 * with parts of it changed after it was compiled. It is bundled for the tests, and is no part of the product.
 */
import { readFileSync } from 'node:fs';
import { fillEnvironment } from '../../src/compile/environment.ts';
import type { OperatorRequest } from '../../src/compile/input.ts';
import { startLauncher } from '../../src/launch/launcher.ts';
import { encodePlan } from '../../src/plan/encode.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { findInstallation } from '../../src/probe/installation.ts';
import { readPolicyFile } from '../../src/session/policy-file.ts';
import { prepare } from '../../src/session/prepare.ts';
import { run } from '../../src/session/run.ts';
import { makeScratch } from '../../src/session/scratch.ts';

/** Standard input holds one of these as JSON. */
export interface PlanRun {
  /** Path of openshell's program. */
  readonly script: string;
  readonly policy: string | null;
  readonly operator: OperatorRequest;
  readonly workdir: string;
  readonly command: readonly [string, ...string[]];
  /** Answered by every refusal of the filter; null: each its own. */
  readonly refusalErrno: number | null;
  /** Values to put into the plan: the way to each, and what is to stand there. */
  readonly changes: readonly { readonly at: readonly (string | number)[]; readonly value: unknown }[];
  readonly events: string | null;
}

const { script, policy, operator, workdir, command, refusalErrno, changes, events } = JSON.parse(
  readFileSync(process.argv[2]!, 'utf8'),
) as PlanRun;

const file = policy === null ? null : readPolicyFile(policy);
if (file !== null && !file.ok) throw new Error(file.error);
const installation = findInstallation(script);
const prepared = await prepare({
  policy: file?.value ?? null,
  operator,
  workdir,
  installation,
  ownFiles: [],
  ...(refusalErrno === null ? {} : { refusalErrno }),
});
if (!prepared.ok) throw new Error(prepared.error.lines.join('\n'));
const plan = changed(prepared.value.plan);
const scratch = plan.tier === 'platform' ? makeScratch(null) : null;
const environment = fillEnvironment(plan.environment, process.env, scratch?.path ?? null);
process.exitCode = await run({
  plan,
  document: encodePlan(plan, (text) => Buffer.from(text, 'utf8')),
  launcher: startLauncher({
    launcher: installation.launcher!,
    withChannel: plan.egress.mode === 'proxy',
    namespaces: plan.tier === 'platform' ? null : plan.namespaces,
  }),
  request: {
    command,
    environment,
    searchPath: environment.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '',
    terminal: false,
    scratch: scratch?.path ?? null,
  },
  connectTo: [],
  trust: null,
  credentials: null,
  inference: null,
  events,
  timeout: null,
  quiet: true,
  degraded: [],
  warn: (line) => void process.stderr.write(`${line}\n`),
  reload: null,
  guard: null,
});
scratch?.remove();

function changed(original: Plan): Plan {
  const copy = structuredClone(original);
  for (const { at, value } of changes) {
    // biome-ignore lint/suspicious/noExplicitAny: the way into the plan is data
    let place: any = copy;
    for (const step of at.slice(0, -1)) place = place[step];
    place[at.at(-1)!] = value;
  }
  return copy;
}
