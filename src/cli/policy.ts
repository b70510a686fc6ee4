/** `openshell policy check` and `openshell policy schema`. */
import { type Issue, printable, renderIssue } from '../base/source.ts';
import { NO_REQUEST } from '../compile/input.ts';
import { policyJsonSchema } from '../policy/json-schema.ts';
import { findInstallation } from '../probe/installation.ts';
import { type Inspection, inspect } from '../session/inspect.ts';
import { type PolicyFile, readPolicyFile } from '../session/policy-file.ts';
import { onePositional, parseCommand } from './arguments.ts';
import { OUTPUT_OPTIONS, outputOf, say, sayJson, styled, tell } from './output.ts';
import { reload } from './policy-reload.ts';
import { UsageError } from './usage.ts';

const HELP = `usage: openshell policy check FILE [--output json]
       openshell policy schema
       openshell policy reload [RUN] [--output json]

check   says everything that is wrong with a policy file, with line, column and a hint; then what it finds on this
        host (missing binaries, scripts, links, binaries that the workload may write). 0: valid, 1: not.
schema  prints the JSON Schema of policy files, for editors.
reload  lets a run of this user read its policy file again; RUN is its process number or its name in the events, and may be
        left out when there is one run only. 0: that policy holds now, 1: not.
`;

export async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === 'check') return check(rest);
  if (name === 'schema') {
    sayJson(policyJsonSchema());
    return 0;
  }
  if (name === 'reload') return reload(rest);
  if (name === '--help' || name === '-h') {
    say(HELP.trimEnd());
    return 0;
  }
  throw new UsageError(
    name === undefined
      ? 'say `policy check FILE`, `policy schema` or `policy reload RUN`'
      : `there is no command \`policy ${name}\``,
  );
}

function check(args: string[]): number {
  const { values, positionals } = parseCommand(args, OUTPUT_OPTIONS);
  if (values.help === true) {
    say(HELP.trimEnd());
    return 0;
  }
  const output = outputOf(values.output);
  const name = onePositional(positionals, 'the policy file');
  const file = readPolicyFile(name);
  if (!file.ok) {
    if (output === 'json')
      sayJson({
        file: name,
        valid: false,
        issues: [{ code: 'unreadable', severity: 'error', message: file.error }],
        host: [],
      });
    else tell(`openshell: ${file.error}`);
    return 1;
  }
  const inspection = inspect({
    policy: file.value,
    operator: NO_REQUEST,
    workdir: process.cwd(),
    installation: findInstallation(process.argv[1]!),
  });
  const failing = unmetExpectations(inspection);
  const valid = !inspection.issues.some(({ severity }) => severity === 'error') && failing.length === 0;
  if (output === 'json') sayJson(jsonOf(file.value, inspection, failing, valid));
  else sayText(file.value, inspection, failing, valid);
  return valid ? 0 : 1;
}

/** The policy contradicts itself: its own examples do not hold. Other problems are this host's. */
const unmetExpectations = ({ problems }: Inspection) =>
  problems.filter(({ message }) => message.startsWith('expect['));

function sayText(
  file: PolicyFile,
  { issues, hostWarnings }: Inspection,
  failing: Inspection['problems'],
  valid: boolean,
): void {
  for (const issue of issues) say(renderIssue(issue, file.name, file.text));
  for (const { line, message, hint } of [...failing, ...hostWarnings]) {
    const severity = failing.some((one) => one.message === message) ? 'error' : 'warning';
    say(
      `${printable(file.name)}${line === null ? '' : `:${line}`}: ${severity}: ${printable(message)}${hint === null ? '' : `\n  hint: ${printable(hint)}`}`,
    );
  }
  const errors = count(issues, 'error') + failing.length;
  const warnings = count(issues, 'warning') + hostWarnings.length;
  const summary = `${printable(file.name)}: ${valid ? 'valid' : 'not valid'} (${plural(errors, 'error')}, ${plural(warnings, 'warning')})`;
  say(styled(valid ? 'green' : 'red', summary));
}

const count = (issues: readonly Issue[], severity: Issue['severity']): number =>
  issues.filter((issue) => issue.severity === severity).length;
const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function jsonOf(
  file: PolicyFile,
  { issues, hostWarnings }: Inspection,
  failing: Inspection['problems'],
  valid: boolean,
): unknown {
  return {
    file: file.name,
    valid,
    issues: [
      ...issues.map(({ span, ...issue }) => ({
        ...issue,
        line: span?.line ?? null,
        column: span?.column ?? null,
        length: span?.length ?? null,
      })),
      ...failing.map(({ message, hint, line }) => ({
        code: 'expectation_failed',
        severity: 'error',
        message,
        hint,
        line,
        column: null,
        length: null,
        path: 'expect',
      })),
    ],
    host: hostWarnings,
  };
}
