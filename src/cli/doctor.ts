/** `openshell doctor`: tries what this host offers by using it, and says how to mend what is missing. */
import { findInstallation } from '../probe/installation.ts';
import { buildLauncher } from '../session/build-launcher.ts';
import { examine, type Finding } from '../session/doctor.ts';
import { parseCommand } from './arguments.ts';
import { OUTPUT_OPTIONS, outputOf, say, sayJson, styled } from './output.ts';
import { UsageError } from './usage.ts';

const HELP = `usage: openshell doctor [--fix] [--output json]

Tries every feature of the kernel that a sandbox needs, by using it in a child that then ends, and prints each with its
result and, where something is missing, how to mend it. --fix builds the launcher where it is missing (a C compiler is
needed) and forgets what was known about this host. 0: sandboxes run here, 1: they do not.
`;

const MARKS: Readonly<Record<Finding['state'], ['green' | 'yellow' | 'red', string]>> = {
  ok: ['green', 'ok  '],
  weak: ['yellow', 'weak'],
  missing: ['red', 'FAIL'],
};

export async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    ...OUTPUT_OPTIONS,
    fix: { type: 'boolean' },
  } as const);
  if (values.help === true) {
    say(HELP.trimEnd());
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`\`${positionals[0]}\` is one argument too many`);
  const output = outputOf(values.output);
  const done = values.fix === true ? buildLauncher(findInstallation(process.argv[1]!)) : [];
  const findings = examine(findInstallation(process.argv[1]!));
  const good = findings.every(({ state }) => state !== 'missing');
  if (output === 'json') {
    sayJson({ ok: good, fixed: done, findings });
    return good ? 0 : 1;
  }
  for (const line of done) say(line);
  for (const { state, name, detail, remedy } of findings) {
    const [style, mark] = MARKS[state];
    say(`${styled(style, mark)}  ${name}: ${detail}`);
    if (remedy !== null) for (const line of remedy.split('\n')) say(`        ${line}`);
  }
  say(
    good
      ? 'sandboxes run on this host'
      : 'sandboxes cannot run on this host until the failures above are mended',
  );
  return good ? 0 : 1;
}
