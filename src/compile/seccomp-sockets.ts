/** How calls on sockets are treated. */
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
import type { NetworkMode, NotifyHandler } from '../plan/plan.ts';
import type { NetlinkMode } from '../policy/policy.ts';
import type { RuleName } from './seccomp-rules.ts';
import { allow, always, answer, argument, refuse, type Treatment } from './seccomp-treatment.ts';

const { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK } = FAMILY;

/** The bits in which AF_INET and AF_INET6 differ: it is one (2 and 10), so that one question is about both. */
const INET_DIFFERENCE = AF_INET ^ AF_INET6;
const ALL = 0xffff_ffff;

/** What a socket may be: a Unix one of any type, TCP or UDP over IPv4 or IPv6, and netlink as far as it is open. */
export function socketTreatment(call: 'socket' | 'socketpair', netlink: NetlinkMode): Treatment {
  const domain = argument(call, 'domain');
  const type = argument(call, 'type');
  const protocol = argument(call, 'protocol');
  const withoutFlags = (ALL & ~(SOCKET_FLAG.SOCK_NONBLOCK | SOCKET_FLAG.SOCK_CLOEXEC)) >>> 0;
  const typeIs = (value: number): Condition => maskedEqual(type, withoutFlags, value);
  const permit = (...when: Condition[]) => ({ when, decision: allow });
  const inet = [AF_INET, AF_INET6].flatMap((family) =>
    [
      [SOCKET_TYPE.SOCK_STREAM, IP_PROTOCOL.IPPROTO_IP],
      [SOCKET_TYPE.SOCK_STREAM, IP_PROTOCOL.IPPROTO_TCP],
      [SOCKET_TYPE.SOCK_DGRAM, IP_PROTOCOL.IPPROTO_IP],
      [SOCKET_TYPE.SOCK_DGRAM, IP_PROTOCOL.IPPROTO_UDP],
    ].map(([kind, number]) => permit(equal(domain, family), typeIs(kind!), equal(protocol, number!))),
  );
  // With AF_NETLINK the protocol says to which part of the kernel: interfaces and routes, and nothing else.
  const route = permit(equal(domain, AF_NETLINK), equal(protocol, NETLINK.NETLINK_ROUTE));
  const isInet = { mask: (ALL & ~INET_DIFFERENCE) >>> 0, value: AF_INET & AF_INET6 };
  return {
    rules: [
      permit(equal(domain, AF_UNIX)),
      ...inet,
      ...(netlink === 'deny' ? [] : [route]),
      { when: [equal(domain, AF_NETLINK)], decision: refuse('netlink', ERRNOS.EPERM) },
      {
        when: [maskedNotEqual(domain, isInet.mask, isInet.value)],
        decision: refuse('socket_family', ERRNOS.EAFNOSUPPORT),
      },
      { when: [typeIs(SOCKET_TYPE.SOCK_RAW)], decision: refuse('raw_socket', ERRNOS.EPERM) },
      { when: [typeIs(SOCKET_TYPE.SOCK_PACKET)], decision: refuse('raw_socket', ERRNOS.EPERM) },
      {
        when: [equal(protocol, IP_PROTOCOL.IPPROTO_MPTCP)],
        decision: refuse('mptcp', ERRNOS.EPROTONOSUPPORT),
      },
    ],
    otherwise: refuse('socket_protocol', ERRNOS.EPROTONOSUPPORT),
  };
}

/**
 * Data in the first packet (MSG_FASTOPEN) opens a connection without connect(2), which is where connections are judged,
 * and past Landlock.
 */
export function sendTreatment(call: 'sendto' | 'sendmsg' | 'sendmmsg'): Treatment {
  return {
    rules: [
      { when: [anyBit(argument(call, 'flags'), MESSAGE.MSG_FASTOPEN)], decision: answer(ERRNOS.EOPNOTSUPP) },
    ],
    otherwise: allow,
  };
}

/** Where the network is mediated the warden makes these calls; with the host's own network the kernel does. */
export function addressTreatment(call: 'connect' | 'bind' | 'listen', network: NetworkMode): Treatment {
  if (network === 'allow') return always(allow);
  const handler: NotifyHandler = call;
  const rule: RuleName = call;
  return always({ kind: 'ask', handler, rule, errno: ERRNOS.EACCES });
}

const SO = SOCKET_OPTION;
const TCP = TCP_OPTION;
const IP = IP_OPTION;
const IPV6 = IPV6_OPTION;

/**
 * Options that may be set. Others can make something else of a connection: a routing header (IPV6_RTHDR) on an
 * established one sends its packets to another address, TCP_FASTOPEN_CONNECT connects without connect(2).
 */
export const SOCKET_OPTIONS: readonly { readonly level: number; readonly options: readonly number[] }[] = [
  {
    level: SOCKET_LEVEL.SOL_SOCKET,
    options: [
      SO.SO_REUSEADDR,
      SO.SO_REUSEPORT,
      SO.SO_KEEPALIVE,
      SO.SO_LINGER,
      SO.SO_SNDBUF,
      SO.SO_RCVBUF,
      SO.SO_RCVLOWAT,
      SO.SO_RCVTIMEO_OLD,
      SO.SO_SNDTIMEO_OLD,
      SO.SO_RCVTIMEO_NEW,
      SO.SO_SNDTIMEO_NEW,
      SO.SO_TIMESTAMP_OLD,
      SO.SO_TIMESTAMPNS_OLD,
      SO.SO_TIMESTAMPING_OLD,
      SO.SO_TIMESTAMP_NEW,
      SO.SO_TIMESTAMPNS_NEW,
      SO.SO_TIMESTAMPING_NEW,
      SO.SO_OOBINLINE,
      SO.SO_PRIORITY,
      SO.SO_BROADCAST,
      SO.SO_PASSCRED,
      SO.SO_ZEROCOPY,
    ],
  },
  {
    level: SOCKET_LEVEL.SOL_TCP,
    options: [
      TCP.TCP_NODELAY,
      TCP.TCP_MAXSEG,
      TCP.TCP_CORK,
      TCP.TCP_KEEPIDLE,
      TCP.TCP_KEEPINTVL,
      TCP.TCP_KEEPCNT,
      TCP.TCP_SYNCNT,
      TCP.TCP_LINGER2,
      TCP.TCP_DEFER_ACCEPT,
      TCP.TCP_WINDOW_CLAMP,
      TCP.TCP_QUICKACK,
      TCP.TCP_CONGESTION,
      TCP.TCP_USER_TIMEOUT,
      TCP.TCP_NOTSENT_LOWAT,
      TCP.TCP_FASTOPEN,
      TCP.TCP_INQ,
    ],
  },
  {
    level: SOCKET_LEVEL.SOL_IP,
    options: [
      IP.IP_TOS,
      IP.IP_TTL,
      IP.IP_MTU_DISCOVER,
      IP.IP_RECVOPTS,
      IP.IP_RECVERR,
      IP.IP_RECVERR_RFC4884,
      IP.IP_RECVTTL,
      IP.IP_RECVTOS,
      IP.IP_RECVORIGDSTADDR,
      IP.IP_RECVFRAGSIZE,
      IP.IP_PKTINFO,
      IP.IP_MULTICAST_IF,
      IP.IP_MULTICAST_TTL,
      IP.IP_MULTICAST_LOOP,
      IP.IP_MULTICAST_ALL,
      IP.IP_ADD_MEMBERSHIP,
      IP.IP_DROP_MEMBERSHIP,
    ],
  },
  {
    level: SOCKET_LEVEL.SOL_IPV6,
    options: [
      IPV6.IPV6_V6ONLY,
      IPV6.IPV6_TCLASS,
      IPV6.IPV6_UNICAST_HOPS,
      IPV6.IPV6_MTU_DISCOVER,
      IPV6.IPV6_RECVERR,
      IPV6.IPV6_RECVPKTINFO,
      IPV6.IPV6_RECVHOPLIMIT,
      IPV6.IPV6_RECVRTHDR,
      IPV6.IPV6_RECVHOPOPTS,
      IPV6.IPV6_RECVDSTOPTS,
      IPV6.IPV6_RECVPATHMTU,
      IPV6.IPV6_RECVTCLASS,
      IPV6.IPV6_RECVORIGDSTADDR,
      IPV6.IPV6_RECVFRAGSIZE,
      IPV6.IPV6_MULTICAST_IF,
      IPV6.IPV6_MULTICAST_HOPS,
      IPV6.IPV6_MULTICAST_LOOP,
      IPV6.IPV6_MULTICAST_ALL,
      IPV6.IPV6_JOIN_GROUP,
      IPV6.IPV6_LEAVE_GROUP,
    ],
  },
];

export function setsockoptTreatment(): Treatment {
  const level = argument('setsockopt', 'level');
  const name = argument('setsockopt', 'optname');
  const rules = SOCKET_OPTIONS.flatMap((row) =>
    row.options.map((option) => ({ when: [equal(level, row.level), equal(name, option)], decision: allow })),
  );
  return { rules, otherwise: answer(ERRNOS.ENOPROTOOPT) };
}
