/** Whom the workload can reach: everybody who is tried here waits on loopback or under a path outside. */
import { attack, call, type Probe, type Subject } from '../probe.ts';

type Extra = Parameters<typeof call>[4];

/** Where nothing is allowed, there is no network. */
const NO_NETWORK = { platform: { errno: 'ENETUNREACH' } } as const;

/** Nobody listens inside, where its loopback is its own. */
const own = (id: string, action: string, what: string, extra: Extra = {}): Probe =>
  call(id, action, what, 'control', { errno: 'ECONNREFUSED', ...NO_NETWORK, ...extra });

const byProxy = (id: string, host: string, what: string, port = '"$TCP4"'): Probe =>
  attack(`proxy-${id}`, what, 'control', `exec "$PROBE" by-name ${host} ${port}`, { arena: 'proxy' });

export const network: Subject = {
  title: 'The network',
  safeAsRoot: true,
  probes: [
    own('tcp', 'tcp 127.0.0.1 "$TCP4"', 'connect to a port of the host'),
    own(
      'tcp-other-loopback',
      'tcp 127.9.8.7 "$TCP4_OTHER"',
      'connect to another loopback address of the host',
    ),
    own('tcp-any', 'tcp 0.0.0.0 "$TCP4"', 'connect to 0.0.0.0'),
    own('tcp-6', 'tcp ::1 "$TCP6"', 'connect by IPv6', { dependsOn: 'IPv6' }),
    own('tcp-mapped', 'tcp-mapped 127.0.0.1 "$TCP4"', 'connect to an IPv4 address written as an IPv6 one', {
      dependsOn: 'IPv6',
    }),
    own('tcp-later', 'tcp-later 127.0.0.1 "$TCP4"', 'connect without waiting'),
    own('tcp-again', 'tcp-again 127.0.0.1 "$TCP4"', 'connect again after AF_UNSPEC', {
      platform: { errno: 'ENETUNREACH' },
    }),
    own(
      'connect-race',
      'connect-race 127.0.0.1 "$TCP4"',
      'connect while another thread exchanges the socket',
      { platform: { errno: 'ECONNREFUSED' } },
    ),
    call('host-address', 'tcp "$HOST_ADDRESS" "$TCP_HOST"', "connect to the host's own address", 'control', {
      errno: 'ENETUNREACH',
      dependsOn: 'a host with an address',
    }),
    call(
      'host-address-udp',
      'udp "$HOST_ADDRESS" "$UDP_HOST"',
      "send a datagram to the host's own address",
      'control',
      { errno: 'ENETUNREACH', dependsOn: 'a host with an address' },
    ),
    own('udp', 'udp 127.0.0.1 "$UDP4"', 'send a datagram', { errno: 'ETIMEDOUT' }),
    own('udp-connected', 'udp-connected 127.0.0.1 "$UDP4"', 'send on a connected datagram socket'),
    own('udp-message', 'udp-message 127.0.0.1 "$UDP4"', 'send a datagram by sendmsg', { errno: 'ETIMEDOUT' }),
    own('udp-messages', 'udp-messages 127.0.0.1 "$UDP4"', 'send a datagram by sendmmsg', {
      errno: 'ETIMEDOUT',
    }),
    own('udp-6', 'udp ::1 "$UDP6"', 'send a datagram by IPv6', { errno: 'ETIMEDOUT', dependsOn: 'IPv6' }),
    own('dns-udp', 'dns-udp 127.0.0.53 "$DNS_UDP"', 'ask another DNS server', { errno: 'ETIMEDOUT' }),
    own('dns-tcp', 'dns-tcp 127.0.0.53 "$DNS_TCP"', 'ask another DNS server by TCP'),
    call(
      'fast-open-sendto',
      'fast-open sendto 127.0.0.1 "$TCP4"',
      'connect while sending by sendto (MSG_FASTOPEN)',
      'control',
      { errno: 'EOPNOTSUPP', dependsOn: 'net.ipv4.tcp_fastopen' },
    ),
    call(
      'fast-open-sendmsg',
      'fast-open sendmsg 127.0.0.1 "$TCP4"',
      'connect while sending by sendmsg',
      'control',
      { errno: 'EOPNOTSUPP', dependsOn: 'net.ipv4.tcp_fastopen' },
    ),
    call(
      'fast-open-sendmmsg',
      'fast-open sendmmsg 127.0.0.1 "$TCP4"',
      'connect while sending by sendmmsg',
      'control',
      { errno: 'EOPNOTSUPP', dependsOn: 'net.ipv4.tcp_fastopen' },
    ),
    call('unix', 'unix-stream "$SOCKETS/socket"', 'connect to a Unix socket outside', 'control', {
      errno: 'ENOENT',
      platform: { errno: 'EACCES' },
    }),
    call(
      'unix-proc-root',
      'unix-stream "/proc/self/root$SOCKETS/socket"',
      'connect to it by /proc/self/root',
      'control',
      { errno: 'ENOENT', platform: { errno: 'EACCES' } },
    ),
    call(
      'unix-init-root',
      'unix-stream "/proc/$INIT/root$SOCKETS/socket"',
      'connect to it by the root of process 1',
      'userns-control',
      { errno: 'EACCES' },
    ),
    attack(
      'unix-link',
      'connect to it by a symbolic link',
      'control',
      `ln -s "$SOCKETS/socket" "l-$ID"; exec "$PROBE" unix-stream "l-$ID"`,
      { errno: 'ENOENT', platform: { errno: 'EACCES' } },
    ),
    call(
      'unix-read-only',
      'unix-stream "$LISTED/socket"',
      'connect to a Unix socket in a read-only directory',
      'control',
      { errno: 'EACCES' },
    ),
    call(
      'unix-denied',
      'unix-stream "$LISTED/hidden/socket"',
      'connect to a Unix socket in a denied directory',
      'control',
      { errno: 'EACCES' },
    ),
    call('abstract', 'unix-stream "$ABSTRACT"', 'connect to an abstract Unix socket', 'control', {
      errno: 'ECONNREFUSED',
    }),
    call(
      'abstract-allow',
      'unix-stream "$ABSTRACT"',
      "connect to an abstract Unix socket with the host's network",
      'control',
      { errno: 'EACCES', arena: 'allow' },
    ),
    attack(
      'listening',
      'see who listens on the host',
      'control',
      'grep -qi "$(printf ":%04X" "$TCP4")" /proc/net/tcp',
      { platform: { lacks: 'network namespace' } },
    ),
    attack(
      'interfaces',
      "see the host's interfaces",
      'control',
      'grep -v -e lo: -e face -e Inter /proc/net/dev | grep -q :',
      { platform: { lacks: 'network namespace' }, dependsOn: 'a host with an interface' },
    ),
    byProxy('loopback', '127.0.0.1', "reach the host's loopback by the proxy"),
    byProxy('localhost', 'localhost', 'reach it as localhost'),
    byProxy('decimal', '2130706433', 'reach it as a decimal number'),
    byProxy('hexadecimal', '0x7f.1', 'reach it as hexadecimal numbers'),
    byProxy('short', '127.1', 'reach it in the short form'),
    byProxy('octal', '0177.0.0.1', 'reach it as octal numbers'),
    byProxy('zero', '0', 'reach it as 0'),
    byProxy('any', '0.0.0.0', 'reach it as 0.0.0.0'),
    byProxy('v6', '::1', 'reach it as ::1', '"$TCP6"'),
    byProxy('mapped', '::ffff:127.0.0.1', 'reach it as a mapped address'),
    byProxy('other-port', 'allowed.test', 'reach another port of an allowed host', '"$TCP4_OTHER"'),
    call('proxy-direct', 'tcp 127.0.0.1 "$TCP4"', 'connect past the proxy', 'control', {
      arena: 'proxy',
      errno: 'ECONNREFUSED',
      platform: { errno: 'EACCES' },
    }),
    call(
      'proxy-direct-host',
      'tcp "$HOST_ADDRESS" "$TCP_HOST"',
      "connect to the host's own address past the proxy",
      'control',
      { arena: 'proxy', errno: 'EACCES', dependsOn: 'a host with an address' },
    ),
    call(
      'proxy-direct-udp',
      'udp "$HOST_ADDRESS" "$UDP_HOST"',
      "send a datagram to the host's own address past the proxy",
      'control',
      {
        arena: 'proxy',
        errno: 'EACCES',
        dependsOn: 'a host with an address',
      },
    ),
  ],
};
