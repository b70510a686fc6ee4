/** Programs that send datagrams: to endpoints with `protocol: udp`, and to where there is none. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OpenshellEvent } from '../../src/event/event.ts';
import { because, find, missing, node, nodeOptions } from './support/host.ts';
import { eventsOf, type Finished, inNamespaces, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const lacking = missing('python3');

let echo: Socket;
let echo6: Socket | null = null;
/** What the servers heard. */
let heard: string[] = [];

async function serve(type: 'udp4' | 'udp6', host: string): Promise<Socket> {
  const socket = createSocket(type);
  socket.on('message', (message, { port, address }) => {
    heard.push(message.toString('latin1', 0, 40));
    socket.send(message.toString('latin1').toUpperCase(), port, address);
  });
  socket.bind(0, host);
  await once(socket, 'listening');
  return socket;
}

beforeAll(async () => {
  echo = await serve('udp4', '127.0.0.1');
  echo6 = await serve('udp6', '::1').catch(() => null);
});
afterAll(() => {
  echo.close();
  echo6?.close();
});
beforeEach(() => {
  heard = [];
});

const POLICY = `version: 1
network_policies:
  time:
    endpoints:
      - { host: time.test, port: 123, protocol: udp }
      - { host: six.test, port: 123, protocol: udp }
      - { host: nobody.test, port: 9, protocol: udp }
      - { host: 203.0.113.9, ports: [123, 124], protocol: udp }
      - { host: "2001:db8::9", port: 123, protocol: udp }
      - { allowed_ips: [203.0.113.64/28, 198.18.77.0/24], port: 4000, protocol: udp }
    binaries: [{ path: "${find('python3') ?? '/usr/bin/python3'}" }]
  web:
    endpoints:
      - { host: time.test, port: 80 }
      - { host: dual.test, port: 443 }
      - { host: dual.test, port: 443, protocol: udp }
    binaries: [{ path: "/**" }]
`;

let runs = 0;

async function inside(command: readonly string[]): Promise<Finished & { events: readonly OpenshellEvent[] }> {
  runs += 1;
  const log = join(scratch.root, `events-${runs}`);
  const policy = join(scratch.root, 'policy.yaml');
  writeFileSync(policy, POLICY);
  const { port } = echo.address();
  const pins = [
    `time.test:123:127.0.0.1:${port}`,
    `dual.test:443:127.0.0.1:${port}`,
    'nobody.test:9:127.0.0.1:9',
    ...['203.0.113.9:123', '203.0.113.9:124', '203.0.113.66:4000'].map((one) => `${one}:127.0.0.1:${port}`),
  ];
  if (echo6 !== null)
    pins.push(...['six.test:123', '[2001:db8::9]:123'].map((one) => `${one}:[::1]:${echo6!.address().port}`));
  const options = ['--policy', policy, '--events', log, ...pins.flatMap((pin) => ['--connect-to', pin])];
  const finished = await openshell(['run', ...nodeOptions, ...options, '--', ...command], here);
  return { ...finished, events: eventsOf(log) };
}

const PRELUDE = `import socket, ctypes, os, threading
def new(family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(5); return s
def attempt(what):
    try: what(); return "sent"
    except OSError as e: return os.strerror(e.errno) if e.errno else str(e)
`;
const python = (script: string) => inside(['python3', '-c', PRELUDE + script]);
const decisions = (events: readonly OpenshellEvent[]): unknown[] =>
  events.flatMap(({ subject, action, reason }) =>
    subject.kind === 'connect' ? [`${action} ${subject.host}:${subject.port} ${subject.via} ${reason}`] : [],
  );

describe.skipIf(lacking.length > 0)(`datagrams${because(lacking)}`, () => {
  it.each([
    ['sendto', 's.sendto(b"hello", ("time.test", 123))'],
    ['sendmsg', 's.sendmsg([b"hel", b"lo"], [], 0, ("time.test", 123))'],
    ['connect and send', 's.connect(("time.test", 123)); s.send(b"hello")'],
    ['a socket that is bound', 's.bind(("0.0.0.0", 4321)); s.sendto(b"hello", ("time.test", 123))'],
    [
      'a socket that is bound to loopback',
      's.bind(("127.0.0.1", 0)); s.sendto(b"hello", ("time.test", 123))',
    ],
  ])('go out and come back: %s', async (_how, send) => {
    const done = await python(`
s = new(); ${send}
answer, source = s.recvfrom(100)
print(answer, source == (socket.gethostbyname("time.test"), 123))`);
    expect(done).toMatchObject({ code: 0, stdout: "b'HELLO' True\n", stderr: '' });
    expect(decisions(done.events)).toEqual(['allow time.test:123 datagram allowed']);
    expect(heard).toEqual(['hello']);
  });

  it('go out by sendmmsg, with one destination and with several', async () => {
    const done = await python(`
class iovec(ctypes.Structure): _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]
class msghdr(ctypes.Structure): _fields_ = [("name", ctypes.c_char_p), ("namelen", ctypes.c_uint), ("iov", ctypes.POINTER(iovec)), ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t), ("flags", ctypes.c_int)]
class mmsghdr(ctypes.Structure): _fields_ = [("header", msghdr), ("sent", ctypes.c_uint)]
def address(name, port): return bytes([2, 0]) + port.to_bytes(2, "big") + socket.inet_aton(socket.gethostbyname(name)) + bytes(8)
def message(text, name, port):
    to = address(name, port)
    return mmsghdr(msghdr(to, len(to), ctypes.pointer(iovec(text, len(text))), 1, None, 0, 0), 0)
libc = ctypes.CDLL(None, use_errno=True); s = new()
vector = (mmsghdr * 3)(message(b"one", "time.test", 123), message(b"two", "dual.test", 443), message(b"three", "time.test", 123))
print(libc.sendmmsg(s.fileno(), vector, 3, 0), sorted(s.recv(100) for _ in range(3)))
vector = (mmsghdr * 2)(message(b"one", "time.test", 123), message(b"no", "time.test", 124))
print(libc.sendmmsg(s.fileno(), vector, 2, 0), os.strerror(ctypes.get_errno()))`);
    expect(done.stdout).toBe("3 [b'ONE', b'THREE', b'TWO']\n-1 Permission denied\n");
    expect(heard.sort()).toEqual(['one', 'three', 'two']);
  });

  it('go out over IPv6, also from a socket that could do both', async ({ skip }) => {
    if (echo6 === null) skip();
    const done = await python(`
s = new(socket.AF_INET6); s.sendto(b"six", ("six.test", 123)); print(s.recvfrom(100)[0])
s.sendto(b"mapped", ("::ffff:" + socket.gethostbyname("time.test"), 123)); print(s.recvfrom(100)[0])
s = new(socket.AF_INET6); s.connect(("six.test", 123)); s.send(b"again"); print(s.recv(100))`);
    expect(done).toMatchObject({ code: 0, stdout: "b'SIX'\nb'MAPPED'\nb'AGAIN'\n" });
  });

  it.skipIf(missing('node').length > 0 && nodeOptions.length === 0)('of Node go out', async () => {
    const script = `const s = require('node:dgram').createSocket('udp4');
s.on('message', (m, from) => { console.log(String(m), from.port); s.close(); });
s.send('node', 443, 'dual.test');`;
    const done = await inside([node, '-e', script]);
    expect(done).toMatchObject({ code: 0, stdout: 'NODE 443\n' });
  });

  it('are refused to another program, at once and with one event', async () => {
    const script = `const s = require('node:dgram').createSocket('udp4');
s.send('x', 123, 'time.test', (e) => { console.log(e?.code); s.close(); });`;
    const done = await inside([node, '-e', script]);
    expect(done.stdout).toBe('EACCES\n');
    expect(decisions(done.events)).toEqual(['deny time.test:123 datagram binary_not_listed']);
    expect(heard).toEqual([]);
  });

  it('are refused where only connections are allowed, and connections where only datagrams are', async () => {
    const done = await python(`
print(attempt(lambda: new().sendto(b"x", ("time.test", 80))))
print(attempt(lambda: new().sendto(b"x", ("time.test", 124))))
print(attempt(lambda: socket.create_connection(("time.test", 123), 5)))
print(attempt(lambda: new().sendto(b"x", ("203.0.113.1", 123))))
print(attempt(lambda: new().sendto(b"x", ("127.0.0.1", 9999))))`);
    // Where nobody hears it a datagram is lost, and its sender is not told.
    expect(done.stdout).toBe(`${'Permission denied\n'.repeat(4)}sent\n`);
    expect(decisions(done.events)).toEqual([
      'deny time.test:80 datagram datagram_not_allowed',
      'deny time.test:124 datagram datagram_not_allowed',
      'deny time.test:123 direct endpoint_not_listed',
      'deny 203.0.113.1:123 datagram datagram_not_allowed',
    ]);
    expect(heard).toEqual([]);
  });

  it.each([
    ['sendto', 's.sendto(b"hello", HERE)'],
    ['sendmsg', 's.sendmsg([b"hel", b"lo"], [], 0, HERE)'],
    ['connect and send', 's.connect(HERE); s.send(b"hello")'],
    ['a socket that is bound to loopback', 's.bind(("127.0.0.1", 0)); s.sendto(b"hello", HERE)'],
    [
      'a socket that could do IPv6',
      's = new(socket.AF_INET6); s.sendto(b"hello", ("::ffff:203.0.113.9", 123))',
    ],
  ])('go out to an address that an endpoint names, and come back from it: %s', async (_how, send) => {
    const done = await python(`
HERE = ("203.0.113.9", 123); s = new(); ${send}
answer, source = s.recvfrom(100)
print(answer, source[0].removeprefix("::ffff:"), source[1])`);
    expect(done).toMatchObject({ code: 0, stdout: "b'HELLO' 203.0.113.9 123\n", stderr: '' });
    expect(decisions(done.events)).toEqual(['allow 203.0.113.9:123 datagram allowed']);
    expect(heard).toEqual(['hello']);
  });

  it('go out to several ports of an address, and to others at one port, by IPv6 too', async ({ skip }) => {
    if (echo6 === null) skip();
    const done = await python(`
s = new()
for to in [("203.0.113.9", 123), ("203.0.113.9", 124), ("203.0.113.66", 4000), ("203.0.113.9", 123)]:
    s.sendto(b"x%d" % to[1], to); print(s.recvfrom(100))
t = new(socket.AF_INET6); t.sendto(b"six", ("2001:db8::9", 123)); print(t.recvfrom(100)[:1], t.getsockname()[0])`);
    expect(done.stderr).toBe('');
    expect(done.stdout.split('\n').slice(0, 5)).toEqual([
      "(b'X123', ('203.0.113.9', 123))",
      "(b'X124', ('203.0.113.9', 124))",
      "(b'X4000', ('203.0.113.66', 4000))",
      "(b'X123', ('203.0.113.9', 123))",
      `(b'SIX',) ${inNamespaces ? '::' : '::ffff:127.0.0.1'}`,
    ]);
  });

  it('to an address that stays in the sandbox otherwise are refused: ports, addresses and programs that no endpoint names', async () => {
    const done = await python(`
new().sendto(b"ok", ("203.0.113.9", 123))
for to in [("203.0.113.9", 125), ("203.0.113.10", 123), ("203.0.113.80", 4000), ("198.18.77.1", 4000), ("224.0.0.1", 4000), ("169.254.169.254", 4000)]:
    print(attempt(lambda: new().sendto(b"no", to)))
s = new(); s.connect(("203.0.113.9", 123)); s.send(b"also")
print(attempt(lambda: socket.create_connection(("203.0.113.9", 123), 5)))
import time; time.sleep(0.3)`);
    expect(done.stdout).toBe(`${'Permission denied\n'.repeat(7)}`);
    expect(decisions(done.events).filter((one) => !String(one).startsWith('allow'))).toEqual([
      'deny 203.0.113.9:125 datagram datagram_not_allowed',
      'deny 203.0.113.10:123 datagram datagram_not_allowed',
      'deny 203.0.113.80:4000 datagram address_not_listed',
      'deny 198.18.77.1:4000 datagram datagram_not_allowed',
      'deny 224.0.0.1:4000 datagram special_address',
      'deny 169.254.169.254:4000 datagram special_address',
      'deny 203.0.113.9:123 direct endpoint_not_listed',
    ]);
    const script = `require('node:dgram').createSocket('udp4').connect(123, '203.0.113.9', (e) => process.exit(e ? 3 : 0))`;
    const another = await inside([node, '-e', script]);
    expect(another.code).toBe(3);
    expect(decisions(another.events)).toEqual(['deny 203.0.113.9:123 datagram binary_not_listed']);
    expect(new Set(heard)).toEqual(new Set(['ok', 'also']));
  });

  // The socket inside that stands for the endpoint cannot be bound beside it (EADDRINUSE).
  it.fails('go out from a socket that is bound to every address at the endpoint’s own port', async () => {
    const done = await python(`
s = new(); s.bind(("0.0.0.0", 123)); s.sendto(b"same", ("time.test", 123)); print(s.recvfrom(100)[0])`);
    expect(done).toMatchObject({ code: 0, stdout: "b'SAME'\n" });
  });

  it('that nobody was asked about get nowhere', async () => {
    const done = await python(`
import time
at = socket.gethostbyname("time.test")
ok = new(); ok.sendto(b"ok", (at, 123)); ok.recv(10)
s = new(); s.connect((at, 9)); print(attempt(lambda: s.send(b"probe")))
libc = ctypes.CDLL(None, use_errno=True)
unspecified = bytes([0, 0]) + (123).to_bytes(2, "big") + socket.inet_aton(at) + bytes(8)
s = new(); libc.sendto(s.fileno(), b"family", 6, 0, unspecified, 16)
time.sleep(0.5); ok.sendto(b"end", (at, 123)); print(ok.recv(10))`);
    // The kernel takes the one, for a port inside where nobody listens; the warden is asked for the other.
    expect(done.stdout).toBe(`${inNamespaces ? 'sent' : 'Permission denied'}\nb'END'\n`);
    expect(decisions(done.events).filter((what) => /:9 /.test(String(what)))).toEqual(
      inNamespaces ? [] : ['deny time.test:9 datagram datagram_not_allowed'],
    );
    expect(heard).toEqual(['ok', 'end']);
  });

  it('with an address that another thread changes reach nobody who was not allowed', async () => {
    const done = await python(`
import time
libc = ctypes.CDLL(None, use_errno=True)
def address(port): return (2).to_bytes(2, "little") + port.to_bytes(2, "big") + socket.inet_aton(socket.gethostbyname("time.test")) + bytes(8)
good, bad = address(123), address(80)
to = ctypes.create_string_buffer(good, 16); stop = False
def change():
    while not stop:
        ctypes.memmove(to, bad, 16); ctypes.memmove(to, good, 16)
threading.Thread(target=change).start()
results = set()
s = new()
for i in range(500): results.add(libc.sendto(s.fileno(), b"raced", 5, 0, to, 16))
stop = True
print(results <= {5, -1})`);
    expect(done).toMatchObject({ code: 0, stdout: 'True\n' });
    expect(new Set(heard)).toEqual(new Set(['raced']));
    const allowed = done.events.filter(
      ({ subject, action }) => subject.kind === 'connect' && action === 'allow',
    );
    for (const { subject } of allowed) expect(subject).toMatchObject({ host: 'time.test', port: 123 });
  });

  it('still come for a program that has ended: what it ended with is told all the same', async () => {
    for (let run = 0; run < 5; run += 1) {
      const done = await python(`
at = socket.gethostbyname("time.test"); s = new()
for i in range(1000): s.sendto(b"unread", (at, 123))
os._exit(7)`);
      expect(done).toMatchObject({ code: 7, stderr: '' });
    }
  });

  it('are large, and many, from many sockets at once', async () => {
    const done = await python(`
at = socket.gethostbyname("time.test")
s = new(); s.sendto(b"a" * 60000, (at, 123)); print(len(s.recv(70000)))
sockets = [new() for _ in range(100)]
for i, s in enumerate(sockets): s.sendto(b"n%d" % i, (at, 123))
print(all(s.recv(100) == b"N%d" % i for i, s in enumerate(sockets)))
s = new(); s.connect((at, 123)); good = 0
for i in range(500):
    s.send(b"%d" % i); good += s.recv(100) == b"%d" % i
print(good)`);
    expect(done).toMatchObject({ code: 0, stdout: '60000\nTrue\n500\n' });
  });

  it('go out of a program that has thousands of files open', async () => {
    const done = await python(`
import resource
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
files = [open("/dev/null") for _ in range(5000)]
s = new(); s.sendto(b"far", ("time.test", 123)); print(s.recv(100), s.fileno() > 1024)`);
    expect(done).toMatchObject({ code: 0, stdout: "b'FAR' True\n", stderr: '' });
  });

  it('to a server that is not there are lost, and the sandbox lives on', async () => {
    const done = await python(`
s = new(); s.settimeout(0.3)
for _ in range(3):
    s.sendto(b"x", ("nobody.test", 9)); print(attempt(lambda: s.recv(10)))
t = new(); t.sendto(b"y", ("time.test", 123)); print(t.recv(10))`);
    expect(done).toMatchObject({ code: 0, stdout: "timed out\ntimed out\ntimed out\nb'Y'\n" });
  });

  it('do not slow anything down that is none: pipes, connections, messages with descriptors', async () => {
    const done = await python(`
a, b = socket.socketpair()
socket.send_fds(a, [b"x"], [0]); print(len(socket.recv_fds(b, 10, 1)[1]))
server = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(server.getsockname())
p, _ = server.accept(); c.sendmsg([b"y"]); print(p.recv(10))
x = new(); x.bind(("127.0.0.1", 0)); new().sendto(b"z", x.getsockname()); print(x.recv(10))`);
    expect(done).toMatchObject({ code: 0, stdout: "1\nb'y'\nb'z'\n" });
  });
});
