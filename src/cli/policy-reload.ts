/** `openshell policy reload`: a run reads its policy file again. */
import { printable } from '../base/source.ts';
import { controlDirectory } from '../probe/installation.ts';
import { ControlClient, type Controlled } from '../session/control-client.ts';
import type { ControlAnswer } from '../session/control-protocol.ts';
import { parseCommand } from './arguments.ts';
import { OUTPUT_OPTIONS, type Output, outputOf, say, sayJson, tell } from './output.ts';
import { UsageError } from './usage.ts';

const HELP = `usage: openshell policy reload [RUN] [--output json]

Lets a run of this user read its policy file again. What the new text does not allow is closed, everything else goes on.
RUN is the process number of openshell, or the name that the events of the run have under \`sandbox\`. It may be left out
when there is one run only. 0: that policy holds now, 1: it does not, or there is no such run.
`;

export async function reload(args: string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, OUTPUT_OPTIONS);
  if (values.help === true) {
    say(HELP.trimEnd());
    return 0;
  }
  const output = outputOf(values.output);
  if (positionals.length > 1) throw new UsageError(`\`${positionals[1]}\` is one argument too many`);
  const client = new ControlClient(controlDirectory());
  try {
    const run = await chosen(client, positionals[0]);
    const answer = typeof run === 'string' ? null : await client.ask(run, 'reload');
    if (answer === null) return fail(output, typeof run === 'string' ? run : `the run ${run.run} has ended`);
    return answer.ok ? report(answer.value, output) : fail(output, answer.error);
  } finally {
    client.close();
  }
}

/** The run that is meant, or a sentence that says why there is none. */
async function chosen(client: ControlClient, name: string | undefined): Promise<Controlled | string> {
  const runs = client.runs();
  if (name !== undefined) {
    const named = runs.find(({ run, pid }) => run === name || String(pid) === name);
    return named ?? `no run \`${printable(name)}\` of this user can be spoken to`;
  }
  const alive: Controlled[] = [];
  for (const run of runs) if ((await client.ask(run, 'status')) !== null) alive.push(run);
  const [one, another] = alive;
  if (one === undefined) return 'no run of this user with a policy file can be spoken to';
  if (another === undefined) return one;
  throw new UsageError(
    `several run: name one of ${alive.map(({ run, pid }) => `${pid} (${run})`).join(', ')}`,
  );
}

function report(answer: ControlAnswer, output: Output): number {
  if (answer.answer !== 'reload') return fail(output, 'the run gave an answer to another question');
  const { v, answer: _answer, ...outcome } = answer;
  const holds = outcome.result === 'applied' || outcome.result === 'unchanged';
  if (output === 'json') sayJson(outcome);
  else {
    for (const line of outcome.messages) tell(line);
    say(textOf(outcome));
    if (outcome.pending.length > 0)
      tell(
        `openshell: warning: what changed in ${outcome.pending.join(', ')} takes effect at the next start`,
      );
  }
  return holds ? 0 : 1;
}

type Outcome = Omit<Extract<ControlAnswer, { answer: 'reload' }>, 'v' | 'answer'>;

function textOf({ result, generation, closed, killed, run }: Outcome): string {
  switch (result) {
    case 'applied':
      return `${run}: generation ${generation} holds; ${closed} connections closed${killed > 0 ? `, ${killed} processes ended` : ''}`;
    case 'unchanged':
      return `${run}: the policy is as before, generation ${generation}`;
    case 'kept':
      return `${run}: the policy was not taken; generation ${generation} holds`;
    case 'quarantined':
      return `${run}: the policy was not taken; nothing can be reached until it is valid again`;
  }
}

function fail(output: Output, error: string): number {
  if (output === 'json') sayJson({ error });
  else tell(`openshell: ${error}`);
  return 1;
}
