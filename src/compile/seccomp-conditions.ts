/** How calls are treated whose arguments decide, sockets apart (seccomp-sockets.ts). */
import { anyBit, equal, maskedEqual } from '../bpf/condition.ts';
import type { ConditionedSyscall } from '../kernel/arguments.ts';
import {
  AT,
  CLONE,
  CLONE_NEW_FLAGS,
  CLOSE_RANGE,
  FCNTL,
  IO_PRIORITY,
  IOCTL,
  MEMFD,
  MODE,
  OPEN,
  PERSONALITY,
  PRCTL,
  PRIORITY,
  SECCOMP_FLAG,
  SECCOMP_MODE,
  SECCOMP_OPERATION,
} from '../kernel/constants.ts';
import { ERRNOS } from '../kernel/errno.ts';
import {
  allow,
  always,
  answer,
  argument,
  type Decision,
  refuse,
  type Treatment,
} from './seccomp-treatment.ts';

const { EPERM } = ERRNOS;
const ownThread: Decision = { kind: 'ask', handler: 'own_thread', rule: 'other_process', errno: EPERM };

/** memfd_create: a file in memory that can never be executed is an ordinary buffer. */
export function memfdTreatment(mayExecute: boolean): Treatment {
  if (mayExecute) return always(allow);
  const notExecutable = anyBit(argument('memfd_create', 'flags'), MEMFD.MFD_NOEXEC_SEAL);
  return { rules: [{ when: [notExecutable], decision: allow }], otherwise: refuse('memfd_exec', EPERM) };
}

/** clone: threads and processes, but no namespaces. CLONE_NEWTIME lies in the exit signal here and does nothing. */
export function cloneTreatment(): Treatment {
  const flags = argument('clone', 'flags');
  const threadWithOwnTable = maskedEqual(flags, CLONE.CLONE_THREAD | CLONE.CLONE_FILES, CLONE.CLONE_THREAD);
  return {
    rules: [
      { when: [anyBit(flags, CLONE_NEW_FLAGS)], decision: refuse('namespaces', EPERM) },
      { when: [threadWithOwnTable], decision: refuse('descriptor_table', EPERM) },
    ],
    otherwise: allow,
  };
}

export function unshareTreatment(): Treatment {
  const flags = argument('unshare', 'flags');
  return {
    rules: [
      { when: [anyBit(flags, CLONE_NEW_FLAGS | CLONE.CLONE_NEWTIME)], decision: refuse('namespaces', EPERM) },
      { when: [anyBit(flags, CLONE.CLONE_FILES)], decision: refuse('descriptor_table', EPERM) },
    ],
    otherwise: allow,
  };
}

/** One argument with a bit that is refused. */
function refusedBit(call: ConditionedSyscall, name: string, bits: number, decision: Decision): Treatment {
  return { rules: [{ when: [anyBit(argument(call, name), bits)], decision }], otherwise: allow };
}

export const closeRangeTreatment = (): Treatment =>
  refusedBit('close_range', 'flags', CLOSE_RANGE.CLOSE_RANGE_UNSHARE, refuse('descriptor_table', EPERM));

export const execveatTreatment = (): Treatment =>
  refusedBit('execveat', 'flags', AT.AT_EMPTY_PATH, refuse('exec_by_descriptor', EPERM));

/** Calls that give a file its mode. Directories made by mkdir never get the bit: the kernel drops it. */
export const MODE_CALLS = ['chmod', 'fchmod', 'fchmodat', 'fchmodat2', 'creat', 'mknod', 'mknodat'] as const;

export const modeTreatment = (call: (typeof MODE_CALLS)[number]): Treatment =>
  refusedBit(call, 'mode', MODE.S_ISUID, refuse('setuid_bit', EPERM));

/** open: the mode counts only where a file is made; elsewhere the register holds anything. */
export function openTreatment(call: 'open' | 'openat'): Treatment {
  const makesFile = anyBit(argument(call, 'flags'), OPEN.O_CREAT | OPEN.__O_TMPFILE);
  const setuid = anyBit(argument(call, 'mode'), MODE.S_ISUID);
  return { rules: [{ when: [makesFile, setuid], decision: refuse('setuid_bit', EPERM) }], otherwise: allow };
}

/**
 * ioctl and fcntl. `ownersEscape`: a descriptor's owner could be a process outside the sandbox, since neither a process
 * namespace nor a Landlock scope stands between.
 */
export function ioctlTreatment(ownersEscape: boolean): Treatment {
  const op = argument('ioctl', 'op');
  const rule = (value: number, decision: Decision) => ({ when: [equal(op, value)], decision });
  const owners = [IOCTL.FIOSETOWN, IOCTL.SIOCSPGRP].map((value) =>
    rule(value, refuse('signal_owner', EPERM)),
  );
  return {
    rules: [
      ...[IOCTL.TIOCSTI, IOCTL.TIOCLINUX].map((value) => rule(value, refuse('tty_input', EPERM))),
      ...[IOCTL.TIOCCONS, IOCTL.TIOCSETD].map((value) => rule(value, refuse('tty_control', EPERM))),
      ...(ownersEscape ? owners : []),
    ],
    otherwise: allow,
  };
}

export function fcntlTreatment(ownersEscape: boolean): Treatment {
  if (!ownersEscape) return always(allow);
  const op = argument('fcntl', 'op');
  const refused = [FCNTL.F_SETOWN, FCNTL.F_SETOWN_EX, FCNTL.F_SETSIG];
  return {
    rules: refused.map((value) => ({ when: [equal(op, value)], decision: refuse('signal_owner', EPERM) })),
    otherwise: allow,
  };
}

/**
 * prctl. A process that clears its dumpable flag could not be identified by the warden any more, and nothing in it
 * fails when the call does nothing: it answers success.
 */
export function prctlTreatment(mayFilter: boolean): Treatment {
  const op = argument('prctl', 'op');
  const filter = {
    when: [
      equal(op, PRCTL.PR_SET_SECCOMP),
      equal(argument('prctl', 'arg2'), SECCOMP_MODE.SECCOMP_MODE_FILTER),
    ],
    decision: refuse('seccomp_filter', EPERM),
  };
  return {
    rules: [
      { when: [equal(op, PRCTL.PR_SET_DUMPABLE)], decision: answer(0) },
      ...(mayFilter ? [] : [filter]),
    ],
    otherwise: allow,
  };
}

export function seccompTreatment(mayFilter: boolean): Treatment {
  const setsFilter = equal(argument('seccomp', 'op'), SECCOMP_OPERATION.SECCOMP_SET_MODE_FILTER);
  if (!mayFilter)
    return { rules: [{ when: [setsFilter], decision: refuse('seccomp_filter', EPERM) }], otherwise: allow };
  const listens = anyBit(argument('seccomp', 'flags'), SECCOMP_FLAG.SECCOMP_FILTER_FLAG_NEW_LISTENER);
  return {
    rules: [{ when: [setsFilter, listens], decision: refuse('seccomp_listener', EPERM) }],
    otherwise: allow,
  };
}

/** What personality(2) asks with, to learn the current value. */
const PERSONALITY_QUERY = 0xffff_ffff;

/** personality: the usual ones, which change what uname(2) says and nothing else. */
export function personalityTreatment(): Treatment {
  const persona = argument('personality', 'persona');
  const { PER_LINUX, PER_LINUX32, UNAME26 } = PERSONALITY;
  const harmless = [PER_LINUX, PER_LINUX32, UNAME26, PER_LINUX32 | UNAME26, PERSONALITY_QUERY];
  return {
    rules: harmless.map((value) => ({ when: [equal(persona, value)], decision: allow })),
    otherwise: refuse('personality', EPERM),
  };
}

/** Calls whose first argument is a thread, 0 for the caller: on another one only inside the caller's own process. */
export const THREAD_CALLS = [
  'sched_setparam',
  'sched_setscheduler',
  'sched_setattr',
  'sched_setaffinity',
  'migrate_pages',
  'move_pages',
] as const;

export const threadTreatment = (call: (typeof THREAD_CALLS)[number]): Treatment => ({
  rules: [{ when: [equal(argument(call, 'pid'), 0)], decision: allow }],
  otherwise: ownThread,
});

/** prlimit64: without a new limit it only reads. */
export const prlimitTreatment = (): Treatment => ({
  rules: [
    { when: [equal(argument('prlimit64', 'pid'), 0)], decision: allow },
    { when: [equal(argument('prlimit64', 'new_limit'), 0)], decision: allow },
  ],
  otherwise: ownThread,
});

/** setpriority and ioprio_set: one thread, 0 for the caller; never a group or a user. */
export function priorityTreatment(call: 'setpriority' | 'ioprio_set'): Treatment {
  const which = argument(call, 'which');
  const process = call === 'setpriority' ? PRIORITY.PRIO_PROCESS : IO_PRIORITY.IOPRIO_WHO_PROCESS;
  return {
    rules: [
      { when: [equal(which, process), equal(argument(call, 'who'), 0)], decision: allow },
      { when: [equal(which, process)], decision: ownThread },
    ],
    otherwise: refuse('process_groups', EPERM),
  };
}
