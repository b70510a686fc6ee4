/** `openshell plan`: what a policy comes to on this host, and how two policies differ there. */
import { printable } from '../base/source.ts';
import type { Plan } from '../plan/plan.ts';
import { findInstallation } from '../probe/installation.ts';
import { readPolicyFile } from '../session/policy-file.ts';
import { prepareAnew } from '../session/prepare-anew.ts';
import type { PrepareInput } from '../session/prepared.ts';
import { parseCommand } from './arguments.ts';
import { OPERATOR_OPTIONS, type OperatorValues, operatorRequest, routesOf, workdirOf } from './operator.ts';
import { OUTPUT_OPTIONS, outputOf, say, sayJson, styled, tell } from './output.ts';
import type { Line } from './plan-line.ts';
import { planSections } from './plan-text.ts';
import { UsageError } from './usage.ts';

const HELP = `usage: openshell plan [FILE] [--diff FILE2] [--listing] [--output json] [the options of \`run\` that change a policy]

Prints what a policy (or, without a file, the default) comes to on this host: every mount, Landlock rule, limit, variable
and network rule, each with the line that it comes from, and what holds each layer. --listing adds the system call
filter as readable instructions. With --diff, prints only what changes from FILE to FILE2: 0 nothing, 1 something.
`;

export async function main(args: string[]): Promise<number> {
  const options = {
    ...OPERATOR_OPTIONS,
    ...OUTPUT_OPTIONS,
    diff: { type: 'string' },
    listing: { type: 'boolean' },
  } as const;
  const { values, positionals } = parseCommand(args, options);
  if (values.help === true) {
    say(HELP.trimEnd());
    return 0;
  }
  if (positionals.length > 1)
    throw new UsageError(`\`${positionals[1]}\` is one argument too many; to compare, use --diff`);
  const operator = values as OperatorValues;
  const output = outputOf(values.output);
  const plan = await planOf(positionals[0] ?? operator.policy ?? null, operator);
  if (plan === null) return 1;
  if (values.diff === undefined) {
    if (output === 'json') sayJson(plan);
    else for (const [title, lines] of planSections(plan, values.listing ?? false)) saySection(title, lines);
    return 0;
  }
  const other = await planOf(values.diff, operator);
  if (other === null) return 1;
  return sayDifference(plan, other, output);
}

function saySection(title: string, lines: readonly Line[]): void {
  if (lines.length === 0) return;
  say(styled('bold', title));
  for (const { text } of lines) say(`  ${printable(text)}`);
}

export async function planOf(name: string | null, values: OperatorValues): Promise<Plan | null> {
  const file = name === null ? null : readPolicyFile(name);
  if (file !== null && !file.ok) {
    tell(`openshell: ${file.error}`);
    return null;
  }
  const input: PrepareInput = {
    policy: file?.value ?? null,
    operator: await operatorRequest(values, undefined, (await routesOf(values))?.given ?? null),
    workdir: workdirOf(values),
    installation: findInstallation(process.argv[1]!),
    ownFiles: [],
  };
  if (input.installation.launcher === null) return null; // said at the start
  const prepared = await prepareAnew(input);
  if (prepared.ok) return prepared.value.plan;
  for (const line of prepared.error.lines) tell(line);
  return null;
}

/** Where a line comes from is no difference of what is enforced. */
function without(lines: readonly Line[], others: readonly Line[]): string[] {
  const there = new Set(others.map(({ enforced }) => enforced));
  return lines.filter(({ enforced }) => !there.has(enforced)).map(({ text }) => text);
}

function sayDifference(before: Plan, after: Plan, output: 'text' | 'json'): number {
  const old = new Map(planSections(before, false));
  const differences: { section: string; removed: string[]; added: string[] }[] = [];
  for (const [section, lines] of planSections(after, false)) {
    const known = old.get(section) ?? [];
    const removed = without(known, lines);
    const added = without(lines, known);
    if (removed.length > 0 || added.length > 0) differences.push({ section, removed, added });
  }
  if (output === 'json') {
    sayJson({ equal: differences.length === 0, differences });
  } else {
    for (const { section, removed, added } of differences) {
      say(styled('bold', section));
      for (const line of removed) say(styled('red', `- ${printable(line)}`));
      for (const line of added) say(styled('green', `+ ${printable(line)}`));
    }
    if (differences.length === 0) say('the two plans enforce the same');
  }
  return differences.length === 0 ? 0 : 1;
}
