/** Arguments to a command. `run` is here because it must start fast; the others are loaded when they are asked for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onOneLine } from '../base/source.ts';
import { letGoOfClosedTerminals } from '../observe/let-go.ts';
import { errorsWritten } from '../observe/standard-error.ts';
import { findInstallation } from '../probe/installation.ts';
import { NO_LAUNCHER } from '../session/prepare.ts';
import { parseCommand } from './arguments.ts';
import { OUTPUT_OPTIONS, outputOf, say, sayJson, tell } from './output.ts';
import * as run from './run.ts';
import { UsageError } from './usage.ts';

const HELP = `usage: openshell COMMAND [OPTION]…

  run -- CMD…        run a program inside a policy
  policy check FILE  check a policy file, also against this host
  policy schema      print the JSON Schema of policy files
  policy reload      let a run read its policy file again
  plan [FILE]        print what a policy comes to on this host
  explain [FILE] …   say what would be allowed, and by which line
  doctor             try what this host offers, and say how to mend it
  --version          print the version

\`openshell COMMAND --help\` says more. Exit codes: 0 yes, 1 no, 2 usage, 3 internal; \`run\` has the program's own.
`;

const EXIT = { yes: 0, usage: 2, internal: 3, runFailed: 125 } as const;

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? tell : say)(HELP.trimEnd());
    return name === undefined ? EXIT.usage : EXIT.yes;
  }
  try {
    if (name === '--version' || name === '-V' || name === 'version') return sayVersion(args);
    const command = name === 'run' ? run : await otherCommand(name);
    if (command !== undefined) {
      if (name !== 'run' && name !== 'doctor') warnOfMissingLauncher();
      return await command.main(args);
    }
  } catch (error) {
    return fail(name, error as Error);
  }
  tell(`openshell: there is no command \`${onOneLine(name)}\`\n${HELP.trimEnd()}`);
  return EXIT.usage;
}

async function otherCommand(name: string) {
  const { commands } = await import('./commands.late.ts');
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}

function sayVersion(args: readonly string[]): number {
  const { root } = findInstallation(process.argv[1]!);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const { values, positionals } = parseCommand([...args], OUTPUT_OPTIONS);
  if (positionals.length > 0) throw new UsageError('it takes no argument');
  if (outputOf(values.output) === 'json') sayJson({ name: 'openshell', version });
  else say(`openshell ${version}`);
  return EXIT.yes;
}

function warnOfMissingLauncher(): void {
  if (findInstallation(process.argv[1]!).launcher === null) tell(NO_LAUNCHER);
}

function fail(name: string, error: Error): number {
  if (process.env['OPENSHELL_DEBUG'] !== undefined) tell(String(error.stack));
  // By name: each bundle has its own class.
  if (error.name === 'UsageError') {
    tell(`openshell ${name}: ${onOneLine(error.message)}\n  try \`openshell ${name} --help\``);
    return name === 'run' ? EXIT.runFailed : EXIT.usage;
  }
  tell(`openshell: ${error.message}`);
  return name === 'run' ? EXIT.runFailed : EXIT.internal;
}

/** How long a reader of standard error may take after a run, whose time may be limited. */
const READER_MS = 5000;

main(process.argv.slice(2)).then(async (code) => {
  await errorsWritten(READER_MS);
  letGoOfClosedTerminals();
  process.exitCode = code;
  process.exit();
});
