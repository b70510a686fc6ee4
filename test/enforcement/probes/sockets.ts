/** Which sockets there are, and what may be set on them. */
import { call, type Probe, type Subject } from '../probe.ts';

/** socket(2): domain, type, protocol. */
const family = (
  name: string,
  domain: number,
  type: number,
  protocol: number,
  proof: Probe['proof'],
  extra: Parameters<typeof call>[4] = {},
): Probe =>
  call(`socket-${name}`, `socket ${domain} ${type} ${protocol}`, `make a socket: ${name}`, proof, {
    errno: 'EAFNOSUPPORT',
    ...extra,
  });

const netlink = (
  name: string,
  protocol: number,
  proof: Probe['proof'],
  extra: Parameters<typeof call>[4] = {},
): Probe =>
  call(`netlink-${name}`, `socket 16 3 ${protocol}`, `make a netlink socket: ${name}`, proof, extra);

const option = (
  id: string,
  words: string,
  what: string,
  proof: Probe['proof'],
  extra: Parameters<typeof call>[4] = {},
): Probe => call(`option-${id}`, words, `set ${what}`, proof, { errno: 'ENOPROTOOPT', ...extra });

const builtIn = { dependsOn: 'what is built into the kernel' } as const;

export const sockets: Subject = {
  title: 'Sockets and their options',
  safeAsRoot: false,
  probes: [
    call(
      'socket-families',
      'other-family',
      'make a socket of any family but AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK',
      'control',
      { errno: 'EAFNOSUPPORT', ...builtIn },
    ),
    family('packet', 17, 3, 0, 'userns-control'),
    family('packet-datagram', 17, 2, 768, 'userns-control'),
    family('xdp', 44, 3, 0, 'userns-control', builtIn),
    family('vsock', 40, 1, 0, 'control', builtIn),
    family('alg', 38, 5, 0, 'marker', builtIn),
    family('bluetooth', 31, 3, 1, 'marker', builtIn),
    family('key', 15, 3, 2, 'marker', builtIn),
    family('rxrpc', 33, 2, 2, 'marker', builtIn),
    family('tipc', 30, 5, 0, 'marker', builtIn),
    family('can', 29, 3, 1, 'marker', builtIn),
    family('smc', 43, 1, 0, 'marker', builtIn),
    family('kcm', 41, 5, 0, 'marker', builtIn),
    family('qrtr', 42, 2, 0, 'marker', builtIn),
    family('nfc', 39, 3, 0, 'marker', builtIn),
    family('phonet', 35, 2, 0, 'marker', builtIn),
    family('x25', 9, 5, 0, 'marker', builtIn),
    family('appletalk', 5, 2, 0, 'marker', builtIn),
    family('rds', 21, 5, 0, 'marker', builtIn),
    family('llc', 26, 2, 0, 'marker', builtIn),
    family('pppox', 24, 1, 0, 'marker', builtIn),
    family('mctp', 45, 2, 0, 'marker', builtIn),
    family('unknown', 63, 1, 0, 'marker'),
    call(
      'socket-vsock-high',
      'socket 0x100000028 1 0',
      'hide AF_VSOCK behind bits of the upper half',
      'control',
      { errno: 'EAFNOSUPPORT', ...builtIn },
    ),
    call(
      'socket-vsock-allow',
      'socket 40 1 0',
      'make a vsock socket with the network of the host',
      'control',
      { errno: 'EAFNOSUPPORT', arena: 'allow', ...builtIn },
    ),
    call(
      'socket-packet-allow',
      'socket 17 3 0',
      'make a packet socket with the network of the host',
      'userns-control',
      { errno: 'EAFNOSUPPORT', arena: 'allow' },
    ),
    call('socket-raw', 'socket 2 3 1', 'make a raw socket', 'userns-control'),
    call('socket-raw-6', 'socket 10 3 58', 'make a raw IPv6 socket', 'userns-control'),
    call(
      'socket-raw-flags',
      'socket 2 0x80803 1',
      'make a raw socket with flags in its type',
      'userns-control',
    ),
    call(
      'socket-raw-high',
      'socket 2 0x100000003 1',
      'hide the raw type behind bits of the upper half',
      'userns-control',
    ),
    call(
      'socket-raw-allow',
      'socket 2 3 1',
      'make a raw socket with the network of the host',
      'userns-control',
      { arena: 'allow' },
    ),
    call('socket-packet-type', 'socket 2 10 0', 'make a socket of type SOCK_PACKET', 'userns-control'),
    call('socket-ping', 'socket 2 2 1', 'make an ICMP datagram socket', 'marker', {
      errno: 'EPROTONOSUPPORT',
      dependsOn: 'net.ipv4.ping_group_range',
    }),
    call('socket-mptcp', 'socket 2 1 262', 'make a Multipath TCP socket', 'control', {
      errno: 'EPROTONOSUPPORT',
      dependsOn: 'net.mptcp.enabled',
    }),
    call('socket-mptcp-6', 'socket 10 1 262', 'make a Multipath TCP socket for IPv6', 'control', {
      errno: 'EPROTONOSUPPORT',
      dependsOn: 'net.mptcp.enabled',
    }),
    call(
      'socket-mptcp-allow',
      'socket 2 1 262',
      'make a Multipath TCP socket with the network of the host',
      'control',
      { errno: 'EPROTONOSUPPORT', arena: 'allow', dependsOn: 'net.mptcp.enabled' },
    ),
    call('socket-udp-lite', 'socket 2 2 136', 'make a UDP-Lite socket', 'control', {
      errno: 'EPROTONOSUPPORT',
      ...builtIn,
    }),
    call('socket-sctp', 'socket 2 1 132', 'make an SCTP socket', 'marker', {
      errno: 'EPROTONOSUPPORT',
      ...builtIn,
    }),
    call('socket-sctp-seqpacket', 'socket 2 5 132', 'make an SCTP socket of sequenced packets', 'marker', {
      errno: 'EPROTONOSUPPORT',
      ...builtIn,
    }),
    call('socket-dccp', 'socket 2 6 33', 'make a DCCP socket', 'marker', {
      errno: 'EPROTONOSUPPORT',
      ...builtIn,
    }),
    call('socketpair-tipc', 'socketpair 30 5 0', 'make a pair of sockets of another family', 'marker', {
      errno: 'EAFNOSUPPORT',
      ...builtIn,
    }),
    netlink('sock-diag', 4, 'control', builtIn),
    netlink('netfilter', 12, 'control', builtIn),
    netlink('xfrm', 6, 'control', builtIn),
    netlink('uevent', 15, 'control'),
    netlink('generic', 16, 'control'),
    netlink('audit', 9, 'control', builtIn),
    netlink('connector', 11, 'marker', builtIn),
    netlink('selinux', 7, 'marker', builtIn),
    netlink('high', 0x10000000c, 'control', builtIn),
    call(
      'netlink-route-denied',
      'socket 16 3 0',
      'make a netlink socket where `process.netlink` is `deny`',
      'control',
      { arena: 'no-netlink' },
    ),
    call(
      'netlink-diag-allow',
      'socket 16 3 4',
      'ask for the sockets of the host, with its network',
      'control',
      { arena: 'allow', ...builtIn },
    ),
    ...Object.entries({ neighbours: 30, routes: 26, rules: 34 }).map(([list, request]) =>
      call(
        `netlink-${list}-allow`,
        `netlink-dump ${request}`,
        `ask for the ${list} of the host, with its network`,
        'control',
        { arena: 'allow', ...(list === 'neighbours' ? { dependsOn: 'a host with neighbours' } : {}) },
      ),
    ),
    call('socket-unix-datagram', 'socket 1 2 0', 'make a Unix datagram socket', 'control', {
      errno: 'ESOCKTNOSUPPORT',
    }),
    call('socket-unix-raw', 'socket 1 3 0', 'make one by its other name (SOCK_RAW)', 'control', {
      errno: 'ESOCKTNOSUPPORT',
    }),
    call('socketpair-unix-datagram', 'socketpair 1 2 0', 'make a pair of Unix datagram sockets', 'control', {
      errno: 'ESOCKTNOSUPPORT',
    }),
    option('segment-routing', 'routing-header', 'a routing header on a connection (IPV6_RTHDR)', 'control', {
      dependsOn: 'IPv6',
    }),
    option('source-route', 'source-route', 'a source route (IP_OPTIONS)', 'userns-control'),
    option('fast-open-connect', 'set-option 2 1 6 30 1', 'TCP_FASTOPEN_CONNECT', 'control'),
    option(
      'upper-protocol',
      'set-text-option 2 1 6 31 tls',
      'an upper layer protocol (TCP_ULP)',
      'marker',
      builtIn,
    ),
    option('repair', 'set-option 2 1 6 19 1', 'TCP_REPAIR', 'userns-control'),
    option('mark', 'set-option 2 1 1 36 7', 'SO_MARK', 'userns-control'),
    option('device', 'set-text-option 2 1 1 25 lo', 'SO_BINDTODEVICE', 'control'),
    option('filter', 'attach-filter', 'a packet filter (SO_ATTACH_FILTER)', 'control'),
    option('transparent', 'set-option 2 1 0 19 1', 'IP_TRANSPARENT', 'userns-control'),
    option('freebind', 'set-option 2 1 0 15 1', 'IP_FREEBIND', 'control'),
    option('unicast-interface', 'set-option 2 2 0 50 0', 'IP_UNICAST_IF', 'control'),
    option('freebind-6', 'set-option 10 2 41 78 1', 'IPV6_FREEBIND', 'control', { dependsOn: 'IPv6' }),
    option('hop-options', 'set-option 10 2 41 54 0', 'IPV6_HOPOPTS', 'marker', { dependsOn: 'IPv6' }),
    option(
      'netfilter-table',
      'set-option 2 2 0 64 0',
      'a netfilter table (IPT_SO_SET_REPLACE)',
      'marker',
      builtIn,
    ),
    option('unknown-level', 'set-option 2 1 999 1 1', 'an option of a level that nobody knows', 'marker'),
    option(
      'name-high',
      'set-option 2 1 0x100000006 0x10000001e 1',
      'TCP_FASTOPEN_CONNECT, hidden behind bits of the upper half',
      'control',
    ),
  ],
};
