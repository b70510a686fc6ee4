/** `openshell explain`: would it be allowed, by which rule, on which line? */
import { printable } from '../base/source.ts';
import { explainConnect } from '../compile/explain-connect.ts';
import { explainPath } from '../compile/explain-path.ts';
import { explainRequest } from '../compile/explain-request.ts';
import { explainSyscall } from '../compile/explain-syscall.ts';
import { expandPath } from '../compile/listed-paths.ts';
import { errnoName } from '../kernel/errno.ts';
import type { Plan } from '../plan/plan.ts';
import { callerFacts } from '../probe/caller.ts';
import { lookAt } from '../probe/paths.ts';
import { parseCommand } from './arguments.ts';
import { OPERATOR_OPTIONS, type OperatorValues, workdirOf } from './operator.ts';
import { OUTPUT_OPTIONS, outputOf, say, sayJson, styled } from './output.ts';
import { planOf } from './plan.ts';
import { UsageError } from './usage.ts';

const HELP = `usage: openshell explain [FILE] --connect HOST:PORT [--binary PATH]
       openshell explain [FILE] --request 'METHOD URL' [--binary PATH]
       openshell explain [FILE] --read PATH | --write PATH
       openshell explain [FILE] --syscall 'NAME(ARG, …)'
       [--output json] [--allow, --network, --workdir and --home as for \`run\`]

Says whether the policy (or, without a file, the default) allows something on this host, which rule decides, and where
it stands. Without --binary, --connect and --request ask for whatever program some policy lists. 0: allowed, 1: denied.
`;

interface Answer {
  readonly question: string;
  readonly verdict: 'allow' | 'deny';
  readonly rule: string | null;
  readonly line: number | null;
  readonly why: string;
}

const OPTIONS = {
  ...OPERATOR_OPTIONS,
  ...OUTPUT_OPTIONS,
  connect: { type: 'string' },
  request: { type: 'string' },
  binary: { type: 'string' },
  read: { type: 'string' },
  write: { type: 'string' },
  syscall: { type: 'string' },
} as const;

export async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, OPTIONS);
  if (values.help === true) {
    say(HELP.trimEnd());
    return 0;
  }
  if (positionals.length > 1) throw new UsageError(`\`${positionals[1]}\` is one argument too many`);
  const output = outputOf(values.output);
  const { connect, request, read, write, syscall, ...rest } = values;
  const asked: Asked = { connect, request, read, write, syscall };
  const operator = rest as OperatorValues;
  if (Object.values(asked).filter((value) => value !== undefined).length !== 1) {
    throw new UsageError('ask one thing: --connect, --request, --read, --write or --syscall');
  }
  const plan = await planOf(positionals[0] ?? values.policy ?? null, operator);
  if (plan === null) return 1;
  const answer = answerTo(asked, values.binary ?? null, plan, workdirOf(operator));
  if (output === 'json') sayJson({ ...answer, policy: plan.policy.file });
  else sayAnswer(answer, plan.policy.file);
  return answer.verdict === 'allow' ? 0 : 1;
}

type Asked = { readonly [K in 'connect' | 'request' | 'read' | 'write' | 'syscall']: string | undefined };

function answerTo(asked: Asked, binary: string | null, plan: Plan, workdir: string): Answer {
  if (asked.connect !== undefined) return connectAnswer(asked.connect, binary, plan);
  if (asked.request !== undefined) return requestAnswer(asked.request, binary, plan);
  if (asked.syscall !== undefined) return syscallAnswer(asked.syscall, plan);
  const kind = asked.read !== undefined ? 'read' : 'write';
  return pathAnswer(asked.read ?? asked.write!, kind, plan, workdir);
}

function connectAnswer(text: string, binary: string | null, plan: Plan): Answer {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port']);
  if (!match || port < 1 || port > 65535) throw new UsageError(`--connect ${text}: expected HOST:PORT`);
  const answer = explainConnect(plan.egress, match.groups!['v6'] ?? match.groups!['host']!, port, binary);
  if (!answer.ok) throw new UsageError(`--connect ${text}: ${answer.error}`);
  const { verdict, rule, why } = answer.value;
  return {
    question: `connect ${text}${binary === null ? '' : ` by ${binary}`}`,
    verdict,
    rule: rule?.policy ?? null,
    line: rule?.line ?? null,
    why,
  };
}

function requestAnswer(text: string, binary: string | null, plan: Plan): Answer {
  const [method, url, ...more] = text.trim().split(/\s+/);
  if (method === undefined || url === undefined || more.length > 0)
    throw new UsageError(
      `--request '${text}': expected a method and a URL, as 'GET https://api.github.com/user'`,
    );
  const answer = explainRequest(plan.egress, { method, url, binary });
  if (!answer.ok) throw new UsageError(`--request '${text}': it ${answer.error}`);
  const { verdict, rule, why } = answer.value;
  return {
    question: `request ${method} ${url}${binary === null ? '' : ` by ${binary}`}`,
    verdict: verdict === 'deny' ? 'deny' : 'allow',
    rule: rule?.policy ?? null,
    line: rule?.line ?? null,
    why,
  };
}

function pathAnswer(text: string, kind: 'read' | 'write', plan: Plan, workdir: string): Answer {
  const path = expandPath(
    text.startsWith('/') || text.startsWith('~') || text.startsWith('$') ? text : `${workdir}/${text}`,
    callerFacts(workdir),
  );
  const canonical = lookAt([path]).facts.byPath.get(path)!.canonical;
  const { verdict, origin, mount, why } = explainPath(plan, canonical, kind);
  return {
    question: `${kind} ${text}`,
    verdict,
    rule: mount === null ? null : mount.target,
    line: origin?.line ?? null,
    why: canonical === path ? why : `it leads to ${canonical}; ${why}`,
  };
}

function syscallAnswer(call: string, plan: Plan): Answer {
  const answer = explainSyscall(plan.seccomp, plan.arch, call);
  if (!answer.ok) throw new UsageError(`--syscall ${call}: ${answer.error}`);
  const { verdict, errno, rule, handler } = answer.value;
  const what =
    verdict === 'deny'
      ? `it fails with ${errnoName(errno ?? 0)}: `
      : verdict === 'mediated' && handler !== null
        ? 'the warden decides when it is made: '
        : '';
  return {
    question: `syscall ${call}`,
    verdict: verdict === 'deny' ? 'deny' : 'allow',
    rule: rule?.name ?? null,
    line: rule?.line ?? null,
    why: `${what}${rule?.reason ?? 'it is on the list of what ordinary programs need'}`,
  };
}

function sayAnswer({ question, verdict, rule, line, why }: Answer, file: string | null): void {
  const word = verdict === 'allow' ? styled('green', 'allowed') : styled('red', 'denied');
  say(`${word}: ${printable(question)}`);
  say(`  why: ${printable(why)}`);
  if (rule !== null)
    say(`  rule: ${printable(rule)}${line !== null && file !== null ? ` (${printable(file)}:${line})` : ''}`);
}
