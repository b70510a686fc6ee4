/** Sockets: which can be made, how they can be set up, and who is asked before they lead anywhere. */
import { anyBit, type Condition, equal, maskedEqual, maskedNotEqual } from '../bpf/condition.ts';
import {
  FAMILY,
  IP_OPTION,
  IP_PROTOCOL,
  IPV6_OPTION,
  MESSAGE,
  NETLINK,
  SOCKET_FLAG,
  SOCKET_LEVEL,
  SOCKET_OPTION,
  SOCKET_TYPE,
  TCP_OPTION,
} from '../kernel/constants.ts';
import { ERRNOS } from '../kernel/errno.ts';
import { RELAYED_NUMBERS } from '../plan/wire.ts';
import {
  ALLOWED_CALL,
  answer,
  argument,
  type Clause,
  mediate,
  refuse,
  type SeccompInput,
  type Treatment,
} from './seccomp-clause.ts';

const { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK } = FAMILY;
const { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_PACKET, SOCK_SEQPACKET } = SOCKET_TYPE;

export function networkTreatments(input: SeccompInput): readonly Treatment[] {
  return [
    ...mediated(input),
    makesSocket('socket', input),
    makesSocket('socketpair', input),
    setsockopt(input),
    ...(['sendto', 'sendmsg', 'sendmmsg'] as const).map((call) => sends(call, input)),
    ...(relaysByNumber(input)
      ? [
          ...WRITES.map((call) => relayed(call, 'datagram')),
          ...RECEIVES.map((call) => relayed(call, 'receive')),
        ]
      : []),
  ];
}

/**
 * With the host's own network only connects to Unix sockets matter; ports are the kernel's. A socket that is replaced by
 * one of the host takes its registrations in epoll sets along, so in `proxy` mode the warden has to know of the sets.
 */
function mediated({ network, tier }: SeccompInput): readonly Treatment[] {
  const asked = (call: 'connect' | 'bind' | 'listen'): Treatment => ({
    call,
    clauses: [],
    otherwise:
      network === 'allow' && call !== 'connect'
        ? ALLOWED_CALL
        : mediate(call, ERRNOS.EACCES, 'mediated_network'),
  });
  const set = (call: 'epoll_create' | 'epoll_create1'): Treatment => ({
    call,
    clauses: [],
    otherwise:
      network === 'proxy' && tier === 'namespaces'
        ? mediate('epoll', ERRNOS.EPERM, 'mediated_network')
        : ALLOWED_CALL,
  });
  return [asked('connect'), asked('bind'), asked('listen'), set('epoll_create'), set('epoll_create1')];
}

const SOCKET_MADE = mediate('socket', ERRNOS.EACCES, 'mediated_network');
const FAMILY_REFUSED = refuse(ERRNOS.EAFNOSUPPORT, 'socket_family');
const NETLINK_REFUSED = refuse(ERRNOS.EPERM, 'netlink');
/** The warden makes a socket that hears of nothing but interfaces; it refuses every protocol but NETLINK_ROUTE. */
const NETLINK_FILTERED = mediate('netlink', ERRNOS.EPERM, 'netlink');
const RAW_REFUSED = refuse(ERRNOS.EPERM, 'raw_socket');
const UNIX_REFUSED = refuse(ERRNOS.ESOCKTNOSUPPORT, 'unix_datagram');
const MPTCP_REFUSED = refuse(ERRNOS.EPROTONOSUPPORT, 'mptcp');
const PROTOCOL_REFUSED = refuse(ERRNOS.EPROTONOSUPPORT, 'socket_protocol');

/** SOCK_TYPE_MASK (linux/net.h): the kernel takes the type from these bits, and flags from the rest. */
const TYPE_MASK = 0xf;
const ALL = 0xffff_ffff;

function makesSocket(call: 'socket' | 'socketpair', { netlink, network, tier }: SeccompInput): Treatment {
  const domain = argument(call, 'domain');
  const type = argument(call, 'type');
  const protocol = argument(call, 'protocol');
  const isType = (socketType: number): Condition =>
    maskedEqual(type, ~(SOCKET_FLAG.SOCK_NONBLOCK | SOCKET_FLAG.SOCK_CLOEXEC), socketType);
  const inet = (socketType: number, number: number): readonly Condition[] => [
    maskedEqual(domain, INET_MASK, AF_INET),
    isType(socketType),
    equal(protocol, number),
  ];
  // Without namespaces the warden makes it, and holds it until it is connected: nobody else could then take it from its caller.
  const made = call === 'socket' && tier === 'platform' ? SOCKET_MADE : ALLOWED_CALL;
  const allow = (when: readonly Condition[]): Clause => ({ when, verdict: made });
  // The sandbox's own network has nothing to hide; of the host's, `enumerate` shows interfaces and their addresses.
  const filtered =
    call === 'socket' && (network === 'allow' || tier === 'platform') && netlink.mode === 'enumerate';
  const looksUp = [equal(domain, AF_NETLINK), equal(protocol, NETLINK.NETLINK_ROUTE)];
  return {
    call,
    clauses: [
      // Those whose connect says where they lead: a datagram can be sent to any path without one.
      allow([equal(domain, AF_UNIX), isType(SOCK_STREAM)]),
      allow([equal(domain, AF_UNIX), isType(SOCK_SEQPACKET)]),
      { when: [equal(domain, AF_UNIX)], verdict: UNIX_REFUSED },
      allow(inet(SOCK_STREAM, 0)),
      allow(inet(SOCK_STREAM, IP_PROTOCOL.IPPROTO_TCP)),
      allow(inet(SOCK_DGRAM, 0)),
      allow(inet(SOCK_DGRAM, IP_PROTOCOL.IPPROTO_UDP)),
      ...(netlink.mode === 'deny' || filtered ? [] : [allow(looksUp)]),
      { when: [equal(domain, AF_NETLINK)], verdict: filtered ? NETLINK_FILTERED : NETLINK_REFUSED },
      { when: [maskedNotEqual(domain, INET_MASK, AF_INET)], verdict: FAMILY_REFUSED },
      { when: [maskedEqual(type, TYPE_MASK, SOCK_RAW)], verdict: RAW_REFUSED },
      { when: [maskedEqual(type, TYPE_MASK, SOCK_PACKET)], verdict: RAW_REFUSED },
      { when: [equal(protocol, IP_PROTOCOL.IPPROTO_MPTCP)], verdict: MPTCP_REFUSED },
    ],
    otherwise: PROTOCOL_REFUSED,
  };
}

/** AF_INET is 2 and AF_INET6 is 10: under this mask both are AF_INET, and nothing else is. */
const INET_MASK = ALL - (AF_INET ^ AF_INET6);

/** Where the destination of a datagram stands: in an argument, or, for the others, in memory, where the filter cannot look. */
function sends(call: 'sendto' | 'sendmsg' | 'sendmmsg', input: SeccompInput): Treatment {
  const fastOpen: Clause = {
    when: [anyBit(argument(call, 'flags'), MESSAGE.MSG_FASTOPEN)],
    verdict: answer(ERRNOS.EOPNOTSUPP, 'fast_open'),
  };
  if (relaysByNumber(input)) {
    const { clauses, otherwise } = relayed(call, 'datagram');
    return { call, clauses: [fastOpen, ...clauses], otherwise };
  }
  // Whether the others name a destination is not to be seen here, and programs write to connections by them.
  const asked = call === 'sendto' ? input.network !== 'allow' : input.datagrams;
  if (!asked) return { call, clauses: [fastOpen], otherwise: ALLOWED_CALL };
  const nowhere: readonly Clause[] =
    call === 'sendto' ? [{ when: [equal(argument(call, 'addr'), 0)], verdict: ALLOWED_CALL }] : [];
  return {
    call,
    clauses: [fastOpen, ...nowhere],
    otherwise: mediate('datagram', ERRNOS.EACCES, 'mediated_network'),
  };
}

const WRITES = ['write', 'writev'] as const;
const RECEIVES = ['read', 'readv', 'recvfrom', 'recvmsg', 'recvmmsg'] as const;

/**
 * Datagram sockets of the `platform` tier cannot send by themselves, whatever is tried, and hear only the warden: it does
 * both for them. They are known by their numbers; under another number they are of no use.
 */
const relaysByNumber = ({ tier, network }: SeccompInput): boolean =>
  tier === 'platform' && network !== 'allow';

function relayed(
  call: (typeof WRITES)[number] | (typeof RECEIVES)[number] | 'sendto' | 'sendmsg' | 'sendmmsg',
  handler: 'datagram' | 'receive',
): Treatment {
  const { starts, count } = RELAYED_NUMBERS;
  return {
    call,
    clauses: starts.map((start) => ({
      when: [maskedEqual(argument(call, 'fd'), ALL - (count - 1), start)],
      verdict: mediate(handler, ERRNOS.EACCES, 'mediated_network'),
    })),
    otherwise: ALLOWED_CALL,
  };
}

const picked = <Name extends string>(
  group: Readonly<Record<Name, number>>,
  names: readonly Name[],
): readonly number[] => names.map((name) => group[name]);

/**
 * Options that a program may set, by level, those that are set most first. A routing header on a connected socket
 * (IPV6_RTHDR) sends its next packet to another address without any check, so the list is of what is allowed.
 */
export const SOCKET_OPTIONS: Readonly<Record<number, readonly number[]>> = {
  [SOCKET_LEVEL.SOL_SOCKET]: picked(SOCKET_OPTION, [
    'SO_REUSEADDR',
    'SO_KEEPALIVE',
    'SO_SNDBUF',
    'SO_RCVBUF',
    'SO_RCVTIMEO_OLD',
    'SO_SNDTIMEO_OLD',
    'SO_LINGER',
    'SO_REUSEPORT',
    'SO_BROADCAST',
    'SO_PASSCRED',
    'SO_OOBINLINE',
    'SO_PRIORITY',
    'SO_RCVLOWAT',
    'SO_ZEROCOPY',
    'SO_RCVTIMEO_NEW',
    'SO_SNDTIMEO_NEW',
    'SO_TIMESTAMP_OLD',
    'SO_TIMESTAMPNS_OLD',
    'SO_TIMESTAMPING_OLD',
    'SO_TIMESTAMP_NEW',
    'SO_TIMESTAMPNS_NEW',
    'SO_TIMESTAMPING_NEW',
  ]),
  [SOCKET_LEVEL.SOL_TCP]: picked(TCP_OPTION, [
    'TCP_NODELAY',
    'TCP_KEEPIDLE',
    'TCP_KEEPINTVL',
    'TCP_KEEPCNT',
    'TCP_CORK',
    'TCP_QUICKACK',
    'TCP_USER_TIMEOUT',
    'TCP_DEFER_ACCEPT',
    'TCP_FASTOPEN',
    'TCP_NOTSENT_LOWAT',
    'TCP_CONGESTION',
    'TCP_MAXSEG',
    'TCP_SYNCNT',
    'TCP_LINGER2',
    'TCP_WINDOW_CLAMP',
    'TCP_INQ',
  ]),
  [SOCKET_LEVEL.SOL_IP]: picked(IP_OPTION, [
    'IP_TOS',
    'IP_RECVERR',
    'IP_MTU_DISCOVER',
    'IP_PKTINFO',
    'IP_RECVTTL',
    'IP_RECVTOS',
    'IP_TTL',
    'IP_RECVOPTS',
    'IP_RECVORIGDSTADDR',
    'IP_RECVFRAGSIZE',
    'IP_RECVERR_RFC4884',
    'IP_MULTICAST_TTL',
    'IP_MULTICAST_LOOP',
    'IP_MULTICAST_IF',
    'IP_MULTICAST_ALL',
    'IP_ADD_MEMBERSHIP',
    'IP_DROP_MEMBERSHIP',
    'IP_ADD_SOURCE_MEMBERSHIP',
    'IP_DROP_SOURCE_MEMBERSHIP',
    'IP_BLOCK_SOURCE',
    'IP_UNBLOCK_SOURCE',
  ]),
  [SOCKET_LEVEL.SOL_IPV6]: picked(IPV6_OPTION, [
    'IPV6_V6ONLY',
    'IPV6_RECVERR',
    'IPV6_TCLASS',
    'IPV6_UNICAST_HOPS',
    'IPV6_MTU_DISCOVER',
    'IPV6_RECVPKTINFO',
    'IPV6_RECVHOPLIMIT',
    'IPV6_RECVTCLASS',
    'IPV6_RECVHOPOPTS',
    'IPV6_RECVRTHDR',
    'IPV6_RECVDSTOPTS',
    'IPV6_RECVPATHMTU',
    'IPV6_RECVORIGDSTADDR',
    'IPV6_RECVFRAGSIZE',
    'IPV6_MULTICAST_HOPS',
    'IPV6_MULTICAST_LOOP',
    'IPV6_MULTICAST_IF',
    'IPV6_MULTICAST_ALL',
    'IPV6_JOIN_GROUP',
    'IPV6_LEAVE_GROUP',
  ]),
};

const LEVEL = argument('setsockopt', 'level');
const OPTION = argument('setsockopt', 'optname');
const OPTION_REFUSED = answer(ERRNOS.ENOPROTOOPT, 'socket_option');

/**
 * Where every socket is one of the host's network: a port is not to be shared with a server of the same user, whose clients one
 * would get, and whom one could connect to as what listens inside; who joins a group tells it to the network, in an address of
 * the program's choice.
 */
const NOT_ON_THE_HOST: Readonly<Record<number, readonly number[]>> = {
  [SOCKET_LEVEL.SOL_SOCKET]: picked(SOCKET_OPTION, ['SO_REUSEPORT']),
  [SOCKET_LEVEL.SOL_IP]: picked(IP_OPTION, ['IP_ADD_MEMBERSHIP', 'IP_ADD_SOURCE_MEMBERSHIP']),
  [SOCKET_LEVEL.SOL_IPV6]: picked(IPV6_OPTION, ['IPV6_JOIN_GROUP']),
};

function setsockopt({ tier, network }: SeccompInput): Treatment {
  const left = tier === 'platform' && network !== 'allow' ? NOT_ON_THE_HOST : {};
  return {
    call: 'setsockopt',
    clauses: Object.entries(SOCKET_OPTIONS).flatMap(([level, options]): readonly Clause[] => [
      ...options
        .filter((option) => left[Number(level)]?.includes(option) !== true)
        .map((option) => ({
          when: [equal(LEVEL, Number(level)), equal(OPTION, option)],
          verdict: ALLOWED_CALL,
        })),
      { when: [equal(LEVEL, Number(level))], verdict: OPTION_REFUSED },
    ]),
    otherwise: OPTION_REFUSED,
  };
}
