import { describe, expect, it } from 'vitest';
import { explainSyscall } from '../../src/compile/explain-syscall.ts';
import type { SeccompInput } from '../../src/compile/seccomp-clause.ts';
import { FAMILY } from '../../src/kernel/constants.ts';
import { errnoName } from '../../src/kernel/errno.ts';
import type { NetworkMode } from '../../src/plan/plan.ts';
import { planOf, STANDARD } from './seccomp-plans.ts';

function outcome(call: string, change: Partial<SeccompInput> = {}): string {
  const input = { ...STANDARD, ...change };
  const explained = explainSyscall(planOf(input), input.arch, call);
  if (!explained.ok) throw new Error(`${call}: ${explained.error}`);
  const { verdict, errno, rule, handler } = explained.value;
  if (verdict === 'allow') return 'allow';
  return `${verdict === 'mediated' ? handler : errnoName(errno!)} by ${rule?.name}`;
}

const MODES: readonly NetworkMode[] = ['proxy', 'block', 'allow'];
/** 2^32: the kernel does not look at it in an `int`. */
const HIGH = 0x1_0000_0000;

describe.each(MODES)('sockets in mode %s', (network) => {
  it.each([
    ['socket(AF_UNIX, SOCK_STREAM, 0)', 'allow'],
    ['socket(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC, 0)', 'allow'],
    ['socketpair(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC, 0)', 'allow'],
    ['socketpair(AF_UNIX, SOCK_DGRAM, 0)', 'ESOCKTNOSUPPORT by unix_datagram'],
    ['socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0)', 'ESOCKTNOSUPPORT by unix_datagram'],
    ['socket(AF_UNIX, SOCK_RAW, 0)', 'ESOCKTNOSUPPORT by unix_datagram'],
    ['socket(AF_INET, SOCK_STREAM, 0)', 'allow'],
    ['socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, IPPROTO_TCP)', 'allow'],
    ['socket(AF_INET6, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP)', 'allow'],
    ['socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)', 'allow'],
    ['socket(AF_INET6, SOCK_DGRAM|SOCK_NONBLOCK, 0)', 'allow'],
    ['socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)', 'EPROTONOSUPPORT by mptcp'],
    ['socket(AF_INET6, SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_MPTCP)', 'EPROTONOSUPPORT by mptcp'],
    ['socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP)', 'EPROTONOSUPPORT by socket_protocol'],
    ['socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP)', 'EPROTONOSUPPORT by socket_protocol'],
    ['socket(AF_INET, SOCK_STREAM, IPPROTO_UDP)', 'EPROTONOSUPPORT by socket_protocol'],
    ['socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP)', 'EPROTONOSUPPORT by socket_protocol'],
    ['socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP)', 'EPROTONOSUPPORT by socket_protocol'],
    ['socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6)', 'EPROTONOSUPPORT by socket_protocol'],
    ['socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)', 'EPROTONOSUPPORT by socket_protocol'],
    ['socket(AF_INET, SOCK_DCCP, IPPROTO_DCCP)', 'EPROTONOSUPPORT by socket_protocol'],
    // A flag that the kernel does not know is no way around the type.
    ['socket(AF_INET, 0x11, 0)', 'EPROTONOSUPPORT by socket_protocol'],
    ['socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)', 'EPERM by raw_socket'],
    ['socket(AF_INET6, SOCK_RAW|SOCK_CLOEXEC, IPPROTO_RAW)', 'EPERM by raw_socket'],
    ['socket(AF_INET, SOCK_PACKET, 0x300)', 'EPERM by raw_socket'],
    ['socket(AF_UNSPEC, SOCK_STREAM, 0)', 'EAFNOSUPPORT by socket_family'],
    ['socket(AF_PACKET, SOCK_RAW, 0x300)', 'EAFNOSUPPORT by socket_family'],
    ['socket(AF_VSOCK, SOCK_STREAM, 0)', 'EAFNOSUPPORT by socket_family'],
    // Neither the protocol nor the type of another rule makes a family quiet or gives it another errno.
    ['socket(AF_VSOCK, SOCK_STREAM, IPPROTO_MPTCP)', 'EAFNOSUPPORT by socket_family'],
    ['socket(AF_X25, SOCK_RAW, 0)', 'EAFNOSUPPORT by socket_family'],
    ['socketpair(AF_TIPC, SOCK_STREAM, 0)', 'EAFNOSUPPORT by socket_family'],
    ['socket(0xffffffff, SOCK_STREAM, 0)', 'EAFNOSUPPORT by socket_family'],
    [`socket(${HIGH + FAMILY.AF_VSOCK}, SOCK_STREAM, 0)`, 'EAFNOSUPPORT by socket_family'],
    [`socket(AF_INET, ${HIGH + 3}, 0)`, 'EPERM by raw_socket'],
    [`socket(AF_INET, SOCK_STREAM, ${HIGH + 262})`, 'EPROTONOSUPPORT by mptcp'],
    [`socket(${HIGH + FAMILY.AF_UNIX}, SOCK_STREAM, 0)`, 'allow'],
    ['sendto(3, "x", 1, MSG_FASTOPEN)', 'EOPNOTSUPP by fast_open'],
    ['sendto(3, "x", 1, MSG_NOSIGNAL|MSG_FASTOPEN)', 'EOPNOTSUPP by fast_open'],
    ['sendmsg(3, 0x1000, MSG_FASTOPEN)', 'EOPNOTSUPP by fast_open'],
    ['sendmmsg(3, 0x1000, 1, MSG_FASTOPEN)', 'EOPNOTSUPP by fast_open'],
    ['sendto(3, "x", 1, MSG_NOSIGNAL)', 'allow'],
    ['sendmsg(3, 0x1000, MSG_DONTWAIT)', 'allow'],
    ['accept4(3)', 'allow'],
  ])('%s: %s', (call, expected) => {
    expect(outcome(call, { network })).toBe(expected);
  });

  it.each([
    ['socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)', 'allow'],
    ['socket(AF_NETLINK, SOCK_DGRAM|SOCK_CLOEXEC, NETLINK_ROUTE)', 'allow'],
    ['socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG)', 'EPERM by netlink'],
    ['socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)', 'EPERM by netlink'],
    ['socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC)', 'EPERM by netlink'],
    ['socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)', 'EPERM by netlink'],
    ['socket(AF_NETLINK, SOCK_RAW, NETLINK_XFRM)', 'EPERM by netlink'],
  ])('%s: %s, or by the warden where the network is that of the host', (call, expected) => {
    expect(outcome(call, { network })).toBe(network === 'allow' ? 'netlink by netlink' : expected);
  });

  it('refuses every other family that Linux knows', () => {
    const allowed = ['AF_UNIX', 'AF_INET', 'AF_INET6', 'AF_NETLINK'];
    for (const name of Object.keys(FAMILY).filter((family) => !allowed.includes(family)))
      for (const call of ['socket', 'socketpair'])
        for (const type of ['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_SEQPACKET'])
          expect(outcome(`${call}(${name}, ${type}, 0)`, { network }), name).toBe(
            'EAFNOSUPPORT by socket_family',
          );
  });

  it('asks the warden about destinations; on the network of the host about those of Unix sockets', () => {
    expect(outcome('connect(3)', { network })).toBe('connect by mediated_network');
    for (const call of ['bind', 'listen'])
      expect(outcome(`${call}(3)`, { network })).toBe(
        network === 'allow' ? 'allow' : `${call} by mediated_network`,
      );
  });

  it('lets the warden know of epoll sets where a socket can be replaced', () => {
    for (const call of ['epoll_create(1)', 'epoll_create1(0)'])
      expect(outcome(call, { network })).toBe(network === 'proxy' ? 'epoll by mediated_network' : 'allow');
  });
});

describe('process.netlink', () => {
  const call = 'socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)';

  it('allows NETLINK_ROUTE under `enumerate` and `route`, and nothing under `deny`', () => {
    expect(outcome(call, { netlink: { mode: 'enumerate', line: null } })).toBe('allow');
    expect(outcome(call, { netlink: { mode: 'route', line: 2 } })).toBe('allow');
    expect(outcome(call, { netlink: { mode: 'deny', line: 2 } })).toBe('EPERM by netlink');
  });
});

describe('setsockopt', () => {
  it.each([
    ['SOL_SOCKET', 'SO_REUSEADDR SO_REUSEPORT SO_KEEPALIVE SO_LINGER SO_SNDBUF SO_RCVBUF SO_RCVTIMEO_OLD'],
    ['SOL_SOCKET', 'SO_RCVTIMEO_NEW SO_SNDTIMEO_OLD SO_SNDTIMEO_NEW SO_OOBINLINE SO_PRIORITY SO_BROADCAST'],
    [
      'SOL_SOCKET',
      'SO_PASSCRED SO_TIMESTAMP_OLD SO_TIMESTAMPNS_NEW SO_TIMESTAMPING_OLD SO_RCVLOWAT SO_ZEROCOPY',
    ],
    [
      'SOL_TCP',
      'TCP_NODELAY TCP_MAXSEG TCP_CORK TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_SYNCNT TCP_LINGER2',
    ],
    ['SOL_TCP', 'TCP_DEFER_ACCEPT TCP_WINDOW_CLAMP TCP_QUICKACK TCP_CONGESTION TCP_USER_TIMEOUT TCP_INQ'],
    ['SOL_TCP', 'TCP_NOTSENT_LOWAT TCP_FASTOPEN'],
    [
      'SOL_IP',
      'IP_TOS IP_TTL IP_MTU_DISCOVER IP_RECVERR IP_RECVTTL IP_PKTINFO IP_ADD_MEMBERSHIP IP_MULTICAST_IF',
    ],
    ['SOL_IPV6', 'IPV6_V6ONLY IPV6_TCLASS IPV6_UNICAST_HOPS IPV6_MTU_DISCOVER IPV6_RECVPKTINFO IPV6_RECVERR'],
    ['SOL_IPV6', 'IPV6_JOIN_GROUP IPV6_LEAVE_GROUP IPV6_MULTICAST_HOPS'],
  ])('allows of %s: %s', (level, options) => {
    for (const option of options.split(' '))
      expect(outcome(`setsockopt(3, ${level}, ${option}, 0x1000, 4)`), option).toBe('allow');
  });

  it.each([
    [
      'SOL_SOCKET',
      'SO_BINDTODEVICE SO_BINDTOIFINDEX SO_MARK SO_ATTACH_FILTER SO_ATTACH_BPF SO_TXTIME SO_SNDBUFFORCE',
    ],
    [
      'SOL_SOCKET',
      'SO_ATTACH_REUSEPORT_CBPF SO_ATTACH_REUSEPORT_EBPF SO_DONTROUTE SO_CNX_ADVICE SO_PASSPIDFD',
    ],
    ['SOL_TCP', 'TCP_FASTOPEN_CONNECT TCP_ULP TCP_REPAIR TCP_MD5SIG TCP_ZEROCOPY_RECEIVE TCP_FASTOPEN_KEY'],
    [
      'SOL_IP',
      'IP_OPTIONS IP_HDRINCL IP_TRANSPARENT IP_FREEBIND IP_UNICAST_IF IP_XFRM_POLICY IP_LOCAL_PORT_RANGE',
    ],
    [
      'SOL_IPV6',
      'IPV6_RTHDR IPV6_HOPOPTS IPV6_DSTOPTS IPV6_RTHDRDSTOPTS IPV6_ADDRFORM IPV6_PKTINFO IPV6_HDRINCL',
    ],
    ['SOL_IPV6', 'IPV6_TRANSPARENT IPV6_FREEBIND IPV6_UNICAST_IF'],
    ['SOL_TLS', '1 2'],
    ['SOL_UDP', '103 104'],
    ['SOL_NETLINK', '1 3'],
    ['SOL_RAW', '1'],
    ['SOL_PACKET', '1 5'],
    // An option of one level under the number of another.
    ['SOL_UDP', 'TCP_NODELAY'],
  ])('refuses of %s: %s', (level, options) => {
    for (const option of options.split(' '))
      for (const network of MODES)
        expect(outcome(`setsockopt(3, ${level}, ${option}, 0x1000, 4)`, { network }), option).toBe(
          'ENOPROTOOPT by socket_option',
        );
  });

  it.each(['SOL_SOCKET, SO_REUSEPORT', 'SOL_IP, IP_ADD_MEMBERSHIP', 'SOL_IPV6, IPV6_JOIN_GROUP'])(
    "refuses where every socket is one of the host's: %s",
    (option) => {
      const call = `setsockopt(3, ${option}, 0x1000, 4)`;
      for (const network of MODES)
        expect(outcome(call, { network, tier: 'platform' }), network).toBe(
          network === 'allow' ? 'allow' : 'ENOPROTOOPT by socket_option',
        );
    },
  );

  it('looks at 32 bits of level and option', () => {
    expect(outcome(`setsockopt(3, ${HIGH + 41}, ${HIGH + 57}, 0x1000, 24)`)).toBe(
      'ENOPROTOOPT by socket_option',
    );
    expect(outcome(`setsockopt(3, ${HIGH + 6}, ${HIGH + 1}, 0x1000, 4)`)).toBe('allow');
  });
});

describe('sends where an endpoint takes datagrams', () => {
  it.each([
    ['sendto(3, 0x1000, 5, 0, 0, 0)', 'allow'],
    ['sendto(3, 0x1000, 5, 0, 0x2000, 16)', 'datagram by mediated_network'],
    ['sendto(3, 0x1000, 5, 0, 0x100000000, 16)', 'datagram by mediated_network'],
    ['sendmsg(3, 0x1000, 0)', 'datagram by mediated_network'],
    ['sendmsg(3, 0x1000, MSG_NOSIGNAL)', 'datagram by mediated_network'],
    ['sendmmsg(3, 0x1000, 2, 0)', 'datagram by mediated_network'],
    // What init says before the warden hears it; no datagram gets out so.
    ['sendmsg(3, 0x1000, MSG_NOSIGNAL|MSG_EOR)', 'datagram by mediated_network'],
    ['sendmsg(3, 0x1000, MSG_EOR|MSG_FASTOPEN)', 'EOPNOTSUPP by fast_open'],
    ['sendto(3, 0x1000, 5, MSG_FASTOPEN, 0x2000, 16)', 'EOPNOTSUPP by fast_open'],
  ])('%s: %s', (call, expected) => {
    expect(outcome(call, { datagrams: true })).toBe(expected);
  });

  it.each(['sendto(3, 0x1000, 5, 0, 0, 0)', 'sendmsg(3, 0x1000, 0)', 'sendmmsg(3, 0x1000, 2, 0)'])(
    'never leave the fast path elsewhere: %s',
    (call) => {
      expect(outcome(call)).toBe('allow');
    },
  );

  it('are seen elsewhere too where they name a destination in a register', () => {
    const call = 'sendto(3, 0x1000, 5, 0, 0x2000, 16)';
    expect(outcome(call)).toBe('datagram by mediated_network');
    expect(outcome(call, { network: 'block' })).toBe('datagram by mediated_network');
    expect(outcome(call, { network: 'allow' })).toBe('allow');
  });
});
