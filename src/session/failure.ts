/** A failed launch, for people: what could not be done, where, and what to do about it. */
import { printable } from '../base/source.ts';
import { errnoName } from '../kernel/errno.ts';
import type { LaunchFailure } from '../launch/steps.ts';
import type { Plan } from '../plan/plan.ts';
import { EXIT } from './exit.ts';

export interface FailureText {
  /** One sentence. */
  readonly message: string;
  readonly hint: string | null;
  /** Exit code of `run`. */
  readonly code: number;
}

/** @param program as the user named it */
export function describeFailure(failure: LaunchFailure, plan: Plan, program: string): FailureText {
  const cause = errnoName(failure.errno);
  if (failure.step !== 'exec') return { ...describe(failure, cause, plan), code: EXIT.failed };
  const found = cause !== 'ENOENT';
  return {
    message: `cannot execute ${printable(program)}: ${found ? cause : 'not found inside the sandbox'}`,
    hint: null,
    code: found ? EXIT.notExecutable : EXIT.notFound,
  };
}

function describe(
  failure: LaunchFailure,
  cause: string,
  plan: Plan,
): { message: string; hint: string | null } {
  const mount = failure.row === null ? undefined : plan.mounts[failure.row];
  const place =
    mount === undefined
      ? ''
      : ` ${mount.kind === 'bind' ? mount.source : mount.target}${lineOf(mount.origin.line, plan)}`;
  switch (failure.step) {
    case 'open_source':
      return {
        message: `cannot open${place}: ${cause}`,
        hint: 'the path changed since the policy was compiled, or its user may not reach it',
      };
    case 'mount':
    case 'mount_target':
      return {
        message: `cannot show${place} inside the sandbox: ${cause}`,
        hint:
          cause === 'EROFS'
            ? 'the path does not exist and its parent is not a private directory: create it on the host, or list its parent under read_write'
            : null,
      };
    case 'idmap':
      return {
        message: `cannot map the owner of${place}: ${cause}`,
        hint: 'its file system has no id-mapped mounts: run openshell as an ordinary user, or name the host user with `--user UID`',
      };
    case 'clone':
    case 'id_map':
      return {
        message: `cannot create the namespaces of the sandbox: ${cause}`,
        hint: 'run `openshell doctor`: it finds out which one the host refuses and how to allow it',
      };
    case 'landlock_abi':
      return {
        message: 'the kernel offers less of Landlock than the plan was made for',
        hint: 'run `openshell doctor --fix` to forget what it knew about this host',
      };
    case 'landlock_rule': {
      const row = failure.row === null ? undefined : plan.landlock.rows[failure.row];
      return { message: `cannot add a Landlock rule for ${row?.path ?? '?'}: ${cause}`, hint: null };
    }
    case 'seccomp':
      return {
        message: `cannot load the system call filter: ${cause}`,
        hint:
          cause === 'EBUSY'
            ? 'an outer sandbox already listens to system calls of this process; `openshell doctor` says more'
            : null,
      };
    case 'workdir':
      return {
        message: `the working directory ${plan.workdir} cannot be entered inside the sandbox: ${cause}`,
        hint: 'list it in filesystem_policy, or set `include_workdir: true`',
      };
    case 'stream':
      return {
        message: `${streamOf(failure)} is ${STREAM_KINDS[cause] ?? 'a descriptor of an unusual kind'}, which is not passed to a program`,
        hint: redirection(failure),
      };
    case 'stream_terminal':
      return {
        message: `${streamOf(failure)} is a terminal that cannot be opened for ${failure.row === 0 ? 'reading' : 'writing'} alone: ${cause}`,
        hint: `it may belong to another user (su, sudo); ${redirection(failure)}, or give the program a terminal of its own with \`--tty\``,
      };
    case 'drop_ids':
      return {
        message: `cannot give up root for an unused user id: ${cause}`,
        hint: 'name a host user with `--user UID`',
      };
    default:
      return {
        message: `the launcher failed at step ${failure.step}: ${cause}`,
        hint: 'run `openshell doctor`',
      };
  }
}

/** As the launcher tells them (launcher/streams.c). */
const STREAM_KINDS: Readonly<Record<string, string>> = {
  EISDIR: 'a directory',
  EBADF: 'a path without its content (O_PATH)',
  EPROTOTYPE: 'a socket that is neither a Unix stream nor TCP',
  ENOTCONN: 'a socket without a peer',
};

const STREAMS = [
  { name: 'standard input', redirection: '`< /dev/null`, `< FILE` or `COMMAND |`' },
  { name: 'standard output', redirection: '`> FILE` or `| cat`' },
  { name: 'standard error', redirection: '`2> FILE` or `2>&1 | cat`' },
] as const;

const streamOf = ({ row }: LaunchFailure): string => STREAMS[row ?? 0]?.name ?? `descriptor ${row}`;
const redirection = ({ row }: LaunchFailure): string =>
  `redirect it: ${STREAMS[row ?? 0]?.redirection ?? ''}`;

const lineOf = (line: number | null, plan: Plan): string =>
  line === null || plan.policy.file === null ? '' : ` (${plan.policy.file}:${line})`;
