/** Calls on files and descriptors that are refused for some arguments only. */
import { anyBit, type Condition, equal, maskedEqual, noBit, type Place } from '../bpf/condition.ts';
import { FCNTL, IOCTL, MEMFD, MODE, OPEN } from '../kernel/constants.ts';
import { ERRNOS } from '../kernel/errno.ts';
import {
  ATTRIBUTES_HELD,
  attributeRequests,
  attributeTreatments,
  holdsAttributes,
} from './seccomp-attributes.ts';
import {
  ALLOWED_CALL,
  argument,
  type Clause,
  isRelaxed,
  mediate,
  type Notified,
  ownThread,
  refuse,
  type SeccompInput,
  signalsStayInside,
  type Treatment,
  type Verdict,
} from './seccomp-clause.ts';

export function fileTreatments(input: SeccompInput): readonly Treatment[] {
  return [
    ...OPENING.map(opens),
    ...MAKING.map((call) => setsMode(call, ALLOWED_CALL)),
    ...MODE_CHANGES.map((call) => setsMode(call, holdsAttributes(input) ? ATTRIBUTES_HELD : ALLOWED_CALL)),
    ...attributeTreatments(input),
    memfdCreate(input),
    ioctl(input),
    fcntl(input),
  ];
}

const SETUID_REFUSED = refuse(ERRNOS.EPERM, 'setuid_bit');

/** mkdir and mkdirat are not among them: the kernel drops both bits there. */
const MAKING = ['creat', 'mknod', 'mknodat'] as const;
const MODE_CHANGES = ['chmod', 'fchmod', 'fchmodat', 'fchmodat2'] as const;
type WithMode = (typeof MAKING)[number] | (typeof MODE_CHANGES)[number];
const OPENING = ['open', 'openat'] as const;

/** The group as well: run as root, the files in writable directories have a group of the host, mostly 0. */
const setsId = (call: WithMode | (typeof OPENING)[number]): Condition =>
  anyBit(argument(call, 'mode'), MODE.S_ISUID | MODE.S_ISGID);

function setsMode(call: WithMode, otherwise: Verdict): Treatment {
  return { call, clauses: [{ when: [setsId(call)], verdict: SETUID_REFUSED }], otherwise };
}

/** Without O_CREAT and O_TMPFILE the kernel does not look at the mode, which is then whatever the register held. */
function opens(call: (typeof OPENING)[number]): Treatment {
  const makes = anyBit(argument(call, 'flags'), OPEN.O_CREAT | OPEN.__O_TMPFILE);
  return {
    call,
    clauses: [{ when: [makes, setsId(call)], verdict: SETUID_REFUSED }],
    otherwise: ALLOWED_CALL,
  };
}

function memfdCreate(input: SeccompInput): Treatment {
  const executable = noBit(argument('memfd_create', 'flags'), MEMFD.MFD_NOEXEC_SEAL);
  return {
    call: 'memfd_create',
    clauses: isRelaxed(input, 'memfd_exec')
      ? []
      : [{ when: [executable], verdict: refuse(ERRNOS.EPERM, 'memfd_exec') }],
    otherwise: ALLOWED_CALL,
  };
}

function ioctl(input: SeccompInput): Treatment {
  const op = argument('ioctl', 'op');
  const refused: [number, Notified][] = [
    [IOCTL.TIOCSTI, refuse(ERRNOS.EPERM, 'tty_input')],
    [IOCTL.TIOCLINUX, refuse(ERRNOS.EPERM, 'tty_input')],
    [IOCTL.TIOCCONS, refuse(ERRNOS.EPERM, 'terminal_setup')],
    [IOCTL.TIOCSETD, refuse(ERRNOS.EPERM, 'terminal_setup')],
    [IOCTL.TIOCVHANGUP, refuse(ERRNOS.EPERM, 'terminal_setup')],
  ];
  // Whom they name lies in memory, so they cannot be allowed for the caller alone.
  if (!signalsStayInside(input))
    for (const request of [IOCTL.FIOSETOWN, IOCTL.SIOCSPGRP])
      refused.push([request, refuse(ERRNOS.EPERM, 'signal_owner')]);
  return {
    call: 'ioctl',
    clauses: [
      ...refused.map(([request, verdict]): Clause => ({ when: [equal(op, request)], verdict })),
      ...attributeRequests(op, input),
      ...(showsInterfaces(input) ? interfaces(op, input) : []),
    ],
    otherwise: ALLOWED_CALL,
  };
}

/** Requests about network interfaces (linux/sockios.h, linux/wireless.h), but for those about one socket alone. */
const SOCKET_REQUESTS = 0x8900;
const LAST_ABOUT_SOCKET = 0x8907;
const WIRELESS_REQUESTS = 0x8b00;

const INTERFACES_REFUSED = refuse(ERRNOS.EPERM, 'interfaces');

const showsInterfaces = ({ network, tier }: SeccompInput): boolean =>
  network === 'proxy' || (tier === 'platform' && network === 'block');

/** On a socket of the host they would tell of the host's interfaces: the warden answers from the sandbox's own. */
function interfaces(op: Place, { tier, netlink }: SeccompInput): readonly Clause[] {
  const about = (request: number): Clause => ({ when: [equal(op, request)], verdict: ALLOWED_CALL });
  const own = Array.from({ length: LAST_ABOUT_SOCKET - SOCKET_REQUESTS + 1 }, (_, i) =>
    about(SOCKET_REQUESTS + i),
  );
  return [
    ...own,
    {
      when: [maskedEqual(op, 0xffff_ff00, SOCKET_REQUESTS)],
      // The warden's own are then the host's, which `deny` hides.
      verdict:
        tier === 'platform' && netlink.mode === 'deny'
          ? INTERFACES_REFUSED
          : mediate('interface', ERRNOS.EPERM, 'interfaces'),
    },
    { when: [maskedEqual(op, 0xffff_ff00, WIRELESS_REQUESTS)], verdict: INTERFACES_REFUSED },
  ];
}

function fcntl(input: SeccompInput): Treatment {
  const op = argument('fcntl', 'op');
  if (signalsStayInside(input)) return { call: 'fcntl', clauses: [], otherwise: ALLOWED_CALL };
  const hidden = refuse(ERRNOS.EPERM, 'signal_owner');
  return {
    call: 'fcntl',
    clauses: [
      { when: [equal(op, FCNTL.F_SETOWN_EX)], verdict: hidden },
      { when: [equal(op, FCNTL.F_SETSIG)], verdict: hidden },
      {
        when: [equal(op, FCNTL.F_SETOWN)],
        verdict: ownThread(argument('fcntl', 'arg').arg, ERRNOS.EPERM, 'signal_owner'),
      },
    ],
    otherwise: ALLOWED_CALL,
  };
}
