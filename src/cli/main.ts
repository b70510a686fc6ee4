/** Arguments to a command. `run` is here because it must start fast; the others are loaded when they are asked for. */
import { findInstallation } from '../probe/installation.ts';
import { NO_LAUNCHER } from '../session/prepare.ts';
import * as run from './run.ts';

const HELP = `usage: openshell COMMAND [OPTION]…

  run -- CMD…        run a program inside a policy
  policy check FILE  check a policy file, also against this host
  policy schema      print the JSON Schema of policy files
  plan [FILE]        print what a policy comes to on this host
  explain [FILE] …   say what would be allowed, and by which line
  doctor             try what this host offers, and say how to mend it

\`openshell COMMAND --help\` says more. Exit codes: 0 yes, 1 no, 2 usage, 3 internal; \`run\` has the program's own.
`;

const EXIT = { yes: 0, usage: 2, internal: 3, runFailed: 125 } as const;

async function main([name, ...args]: string[]): Promise<number> {
  // Node would open its debugger on SIGUSR1.
  process.on('SIGUSR1', () => {});
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? process.stderr : process.stdout).write(HELP);
    return name === undefined ? EXIT.usage : EXIT.yes;
  }
  try {
    const command = name === 'run' ? run : (await import('./commands.late.ts')).commands[name];
    if (command !== undefined) {
      if (name !== 'run' && name !== 'doctor') warnOfMissingLauncher();
      return await command.main(args);
    }
  } catch (error) {
    return fail(name, error as Error);
  }
  process.stderr.write(`openshell: there is no command \`${name}\`\n${HELP}`);
  return EXIT.usage;
}

function warnOfMissingLauncher(): void {
  if (findInstallation(process.argv[1]!).launcher === null) process.stderr.write(`${NO_LAUNCHER}\n`);
}

function fail(name: string, error: Error): number {
  if (process.env['OPENSHELL_DEBUG'] !== undefined) process.stderr.write(`${error.stack}\n`);
  // By name: each bundle has its own class.
  if (error.name === 'UsageError') {
    process.stderr.write(`openshell ${name}: ${error.message}\n  try \`openshell ${name} --help\`\n`);
    return name === 'run' ? EXIT.runFailed : EXIT.usage;
  }
  process.stderr.write(`openshell: ${error.message}\n`);
  return name === 'run' ? EXIT.runFailed : EXIT.internal;
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  process.exit();
});
