/** Calls that make, change or describe processes and are refused for some arguments only. */
import { anyBit, atLeast, below, type Condition, equal, maskedEqual, notEqual } from '../bpf/condition.ts';
import type { ConditionedSyscall } from '../kernel/arguments.ts';
import {
  AT,
  CLONE,
  CLONE_NEW_FLAGS,
  CLOSE_RANGE,
  IO_PRIORITY,
  PERSONALITY,
  PRCTL,
  PRIORITY,
  SECCOMP_FLAG,
  SECCOMP_MODE,
  SECCOMP_OPERATION,
} from '../kernel/constants.ts';
import { ERRNOS } from '../kernel/errno.ts';
import {
  ALLOWED_CALL,
  answer,
  argument,
  isRelaxed,
  mediate,
  ownThread,
  refuse,
  type SeccompInput,
  signalsStayInside,
  type Treatment,
} from './seccomp-clause.ts';

export function processTreatments(input: SeccompInput): readonly Treatment[] {
  return [
    clone,
    unshare,
    closeRange,
    execveat,
    personality,
    prctl(input),
    seccomp(input),
    prlimit,
    ...ZERO_IS_SELF.map(onOwnThread),
    ...(signalsStayInside(input) ? [] : SIGNALLING.map(signals)),
    onProcess('setpriority', PRIORITY.PRIO_PROCESS, [PRIORITY.PRIO_PGRP, PRIORITY.PRIO_USER]),
    onProcess('ioprio_set', IO_PRIORITY.IOPRIO_WHO_PROCESS, [
      IO_PRIORITY.IOPRIO_WHO_PGRP,
      IO_PRIORITY.IOPRIO_WHO_USER,
    ]),
  ];
}

const NAMESPACES_REFUSED = refuse(ERRNOS.EPERM, 'namespaces');
const TABLE_REFUSED = refuse(ERRNOS.EPERM, 'descriptor_table');
const NESTED_REFUSED = refuse(ERRNOS.EPERM, 'nested_filters');
const OTHER_REFUSED = refuse(ERRNOS.EPERM, 'other_process');
const IMAGE_REFUSED = refuse(ERRNOS.EPERM, 'process_image');
const UNKNOWN_OPTION = answer(ERRNOS.EINVAL, 'unknown_option');
const ALL = 0xffff_ffff;

const CLONE_FLAGS = argument('clone', 'flags');
const { CLONE_THREAD, CLONE_FILES, CLONE_NEWTIME } = CLONE;

/** A thread shares the descriptors of its process, or no check of a descriptor would mean anything. */
const clone: Treatment = {
  call: 'clone',
  clauses: [
    { when: [anyBit(CLONE_FLAGS, CLONE_NEW_FLAGS)], verdict: NAMESPACES_REFUSED },
    {
      when: [maskedEqual(CLONE_FLAGS, CLONE_THREAD | CLONE_FILES, CLONE_THREAD)],
      verdict: TABLE_REFUSED,
    },
  ],
  otherwise: ALLOWED_CALL,
};

const UNSHARE_FLAGS = argument('unshare', 'flags');
/** CLONE_NEWTIME is a flag of unshare alone: in clone its bit belongs to the exit signal. */
const UNSHARE_NEW_FLAGS = CLONE_NEW_FLAGS | CLONE_NEWTIME;

const unshare: Treatment = {
  call: 'unshare',
  clauses: [
    { when: [anyBit(UNSHARE_FLAGS, UNSHARE_NEW_FLAGS)], verdict: NAMESPACES_REFUSED },
    { when: [anyBit(UNSHARE_FLAGS, CLONE_FILES)], verdict: TABLE_REFUSED },
  ],
  otherwise: ALLOWED_CALL,
};

const closeRange: Treatment = {
  call: 'close_range',
  clauses: [
    {
      when: [anyBit(argument('close_range', 'flags'), CLOSE_RANGE.CLOSE_RANGE_UNSHARE)],
      verdict: TABLE_REFUSED,
    },
  ],
  otherwise: ALLOWED_CALL,
};

const execveat: Treatment = {
  call: 'execveat',
  clauses: [
    {
      when: [anyBit(argument('execveat', 'flags'), AT.AT_EMPTY_PATH)],
      verdict: refuse(ERRNOS.EPERM, 'fexecve'),
    },
  ],
  otherwise: ALLOWED_CALL,
};

/** What only asks (all ones), what only changes what uname(2) says, and fixed addresses, as sanitizers want them. */
const HARMLESS_PERSONALITIES: readonly number[] = [
  ALL,
  PERSONALITY.PER_LINUX,
  PERSONALITY.PER_LINUX32,
  PERSONALITY.UNAME26,
  PERSONALITY.PER_LINUX32 | PERSONALITY.UNAME26,
  PERSONALITY.ADDR_NO_RANDOMIZE,
];

const personality: Treatment = {
  call: 'personality',
  clauses: HARMLESS_PERSONALITIES.map((persona) => ({
    when: [equal(argument('personality', 'persona'), persona)],
    verdict: ALLOWED_CALL,
  })),
  otherwise: refuse(ERRNOS.EPERM, 'personality'),
};

/** Options of prctl are numbered from 1; Linux 6.18 ends at PR_FUTEX_HASH. Some more have numbers far above. */
const FIRST_UNKNOWN_PRCTL = 79;

/**
 * Clearing the dumpable flag would hide a process from the warden, and a program that finds that it cannot be cleared
 * may give up, so that the call does nothing and says that it did.
 */
function prctl(input: SeccompInput): Treatment {
  const op = argument('prctl', 'op');
  const mode = argument('prctl', 'arg2');
  const nested = [equal(op, PRCTL.PR_SET_SECCOMP), equal(mode, SECCOMP_MODE.SECCOMP_MODE_FILTER)];
  const is = (option: number): readonly Condition[] => [equal(op, option)];
  const relaxed = isRelaxed(input, 'nested_filters');
  return {
    call: 'prctl',
    clauses: [
      { when: is(PRCTL.PR_SET_DUMPABLE), verdict: answer(0, 'dumpable') },
      { when: is(PRCTL.PR_SET_MM), verdict: IMAGE_REFUSED },
      { when: is(PRCTL.PR_SCHED_CORE), verdict: OTHER_REFUSED },
      ...(relaxed ? [] : [{ when: nested, verdict: NESTED_REFUSED }]),
      { when: [below(op, FIRST_UNKNOWN_PRCTL)], verdict: ALLOWED_CALL },
      { when: is(PRCTL.PR_SET_VMA), verdict: ALLOWED_CALL },
      { when: is(PRCTL.PR_SET_PTRACER), verdict: ALLOWED_CALL },
    ],
    otherwise: UNKNOWN_OPTION,
  };
}

/** Two listeners cannot be in one chain of filters, and one of the workload's own would answer in place of ours. */
function seccomp(input: SeccompInput): Treatment {
  const op = argument('seccomp', 'op');
  const flags = argument('seccomp', 'flags');
  const filter = equal(op, SECCOMP_OPERATION.SECCOMP_SET_MODE_FILTER);
  const listens = anyBit(flags, SECCOMP_FLAG.SECCOMP_FILTER_FLAG_NEW_LISTENER);
  return {
    call: 'seccomp',
    clauses: [
      {
        when: isRelaxed(input, 'nested_filters') ? [filter, listens] : [filter],
        verdict: NESTED_REFUSED,
      },
      { when: [atLeast(op, SECCOMP_OPERATION.SECCOMP_GET_NOTIF_SIZES + 1)], verdict: UNKNOWN_OPTION },
    ],
    otherwise: ALLOWED_CALL,
  };
}

/** Reading limits is allowed for every process; Landlock does not stop setting them (RLIMIT_CPU 1 kills). */
const prlimit: Treatment = (() => {
  const pid = argument('prlimit64', 'pid');
  return {
    call: 'prlimit64',
    clauses: [
      {
        when: [notEqual(pid, 0), notEqual(argument('prlimit64', 'new_limit'), 0)],
        verdict: ownThread(pid.arg, ERRNOS.EPERM, 'other_process'),
      },
    ],
    otherwise: ALLOWED_CALL,
  };
})();

/** Without a pid namespace or a Landlock scope the warden sends them, to processes of the sandbox. */
const SIGNALLING = ['kill', 'tkill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo'] as const;

const signals = (call: (typeof SIGNALLING)[number]): Treatment => ({
  call,
  clauses: [],
  otherwise: mediate('signal', ERRNOS.EPERM, 'other_process'),
});

/** Calls whose argument `pid` names the caller itself by 0. */
const ZERO_IS_SELF = [
  'sched_setaffinity',
  'sched_setattr',
  'sched_setparam',
  'sched_setscheduler',
  'migrate_pages',
  'move_pages',
] as const satisfies readonly ConditionedSyscall[];

function onOwnThread(call: (typeof ZERO_IS_SELF)[number]): Treatment {
  const pid = argument(call, 'pid');
  return {
    call,
    clauses: [{ when: [equal(pid, 0)], verdict: ALLOWED_CALL }],
    otherwise: ownThread(pid.arg, ERRNOS.EPERM, 'other_process'),
  };
}

/** Priorities: `which` says whether `who` is a process, a group or a user; `others` are the latter two. */
function onProcess(
  call: 'setpriority' | 'ioprio_set',
  process: number,
  others: readonly number[],
): Treatment {
  const which = argument(call, 'which');
  const who = argument(call, 'who');
  return {
    call,
    clauses: [
      { when: [equal(which, process), equal(who, 0)], verdict: ALLOWED_CALL },
      ...others.map((other) => ({ when: [equal(which, other)], verdict: OTHER_REFUSED })),
      { when: [equal(which, process)], verdict: ownThread(who.arg, ERRNOS.EPERM, 'other_process') },
    ],
    otherwise: UNKNOWN_OPTION,
  };
}
