/** Arguments to a command. Every command loads its own code only. */
import { UsageError } from './usage.ts';

const COMMANDS: Readonly<Record<string, () => Promise<{ main(args: string[]): Promise<number> }>>> = {
  run: () => import('./run.ts'),
};

const HELP = `usage: openshell COMMAND [OPTION]…

  run -- CMD…        run a program inside a policy
  policy check FILE  check a policy file, also against this host
  policy schema      print the JSON Schema of policy files
  plan FILE          print what a policy comes to on this host
  explain FILE …     say what would be allowed, and by which line
  doctor             try what this host offers, and say how to mend it

\`openshell COMMAND --help\` says more. Exit codes: 0 yes, 1 no, 2 usage, 3 internal; \`run\` has the program's own.
`;

async function main(args: string[]): Promise<number> {
  // Node would open its debugger on SIGUSR1; and whatever NODE_OPTIONS asked for, nobody debugs the supervisor.
  process.on('SIGUSR1', () => {});
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    return name === undefined ? 2 : 0;
  }
  const load = COMMANDS[name];
  if (load === undefined) {
    process.stderr.write(`openshell: there is no command \`${name}\`\n${HELP}`);
    return 2;
  }
  const failed = name === 'run' ? 125 : 3;
  try {
    return await (await load()).main(rest);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`openshell ${name}: ${error.message}\n  try \`openshell ${name} --help\`\n`);
      return name === 'run' ? 125 : 2;
    }
    process.stderr.write(`openshell: ${(error as Error).message}\n`);
    if (process.env['OPENSHELL_DEBUG'] !== undefined) process.stderr.write(`${(error as Error).stack}\n`);
    return failed;
  }
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  process.exit();
});
