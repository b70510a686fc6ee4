/**
 * How runtimes connect without a proxy: registered for readiness first, many at once, from threads, with a server that
 * speaks first, and one half closed before the other. Each connect is one event.
 */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { allowed, type Client, type Done, direct, REFUSED, refused } from './support/direct.ts';
import { because, find, missing, node } from './support/host.ts';
import { closeRawServers, greeter, type RawServer, rawServer } from './support/raw-servers.ts';
import { useScratch } from './support/scratch.ts';

const scratch = useScratch();
closeRawServers();

let greeting: RawServer;
beforeAll(async () => {
  greeting = await rawServer(greeter);
});

const client = (binary: string, command: readonly string[], options: readonly string[] = []): Client => ({
  ...{ command, binary, host: 'greeter.test', port: 7000, server: greeting.port, options },
});

/** As many events, and as many connections at the server, as the client made connects. */
async function expectConnects(one: Client, connects: number, refusals = 0): Promise<Done> {
  const before = greeting.connections;
  const done = await direct(scratch, one);
  const told = `${done.stderr.slice(-2000)}\n${done.stdout.slice(-2000)}`;
  expect(done.code, told).toBe(0);
  const deny = done.decisions.filter(({ action }) => action === 'deny');
  const allow = done.decisions.filter(({ action }) => action === 'allow');
  expect(allow, told).toHaveLength(connects);
  for (const event of allow) expect(event).toMatchObject(allowed(one));
  expect(deny.reduce((sum, { count }) => sum + count, 0)).toBe(refusals);
  for (const event of deny) expect(event).toMatchObject({ ...refused(one), count: event.count });
  expect(greeting.connections - before).toBe(connects);
  return done;
}

describe.skipIf(find('python3') === null)(`python3${because(missing('python3'))}`, () => {
  const HEAD = `import asyncio, errno, os, selectors, socket, struct, threading, time
HERE = (socket.gethostbyname("greeter.test"), 7000)
THERE = (socket.gethostbyname("${REFUSED}"), 7000)
`;
  const python = (script: string): Client =>
    client(realpathSync(find('python3')!), ['python3', '-c', HEAD + script]);

  /** Connects as perl and hiredis do when the wait has a bound. */
  const AGAIN = (): Client =>
    python(`s = socket.socket(); s.setblocking(False); sel = selectors.DefaultSelector(); sel.register(s, selectors.EVENT_WRITE)
s.connect_ex(HERE); sel.select(10); print(s.connect_ex(HERE) in (0, errno.EISCONN), s.connect_ex(HERE) == errno.EISCONN); s.settimeout(10); print(s.recv(6))`);

  it.each(['EpollSelector', 'PollSelector', 'SelectSelector'])(
    'a socket registered with %s before connect_ex becomes ready, SO_ERROR is 0',
    async (selector) => {
      const done = await expectConnects(
        python(`sel = selectors.${selector}()
s = socket.socket(); s.setblocking(False)
key = sel.register(s, selectors.EVENT_WRITE, "data")
print(s.connect_ex(HERE) in (0, errno.EINPROGRESS))
print([(k.fd == s.fileno(), k.data) for k, _ in sel.select(10)])
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), s.getpeername()[0] != "0.0.0.0")
sel.modify(s, selectors.EVENT_READ); print(len(sel.select(10)), s.recv(6))
s.send(b"abc"); sel.select(10); print(s.recv(3))
s.shutdown(socket.SHUT_WR); sel.select(10); print(s.recv(8)); sel.select(10); print(s.recv(8)); sel.unregister(s)`),
        1,
      );
      expect(done.stdout).toBe("True\n[(True, 'data')]\n0 True\n1 b'hello\\n'\nb'abc'\nb'3 bytes\\n'\nb''\n");
    },
  );

  it('as nginx does it: edge triggered for both directions and hang-ups, before connect', async () => {
    const done = await expectConnects(
      python(`import select
e = select.epoll(); s = socket.socket(); s.setblocking(False); n = s.fileno()
e.register(n, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET | select.EPOLLRDHUP)
s.connect_ex(HERE); seen = 0; got = b""; sent = False; end = time.monotonic() + 10
while not got.endswith(b"bytes\\n") and time.monotonic() < end:
    for fd, events in e.poll(10):
        assert fd == n
        if events & select.EPOLLOUT and not sent:
            assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            sent = True; s.send(b"abc"); s.shutdown(socket.SHUT_WR)
        if events & select.EPOLLIN:
            try:
                while part := s.recv(4096): got += part
            except BlockingIOError: pass
        seen |= events
print(got, bool(seen & select.EPOLLRDHUP) or e.poll(10) != [])`),
      1,
    );
    expect(done.stdout).toBe("b'hello\\nabc3 bytes\\n' True\n");
  });

  it('a registered socket that is refused says so from connect_ex, and can be closed like any other', async () => {
    const done = await expectConnects(
      python(`sel = selectors.DefaultSelector()
s = socket.socket(); s.setblocking(False); sel.register(s, selectors.EVENT_WRITE)
r = s.connect_ex(THERE)
if r == errno.EINPROGRESS: sel.select(10); r = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
print(errno.errorcode[r]); sel.unregister(s); s.close()
t = socket.socket(); sel.register(t, selectors.EVENT_READ); t.connect(HERE); print(len(sel.select(10)), t.recv(6))`),
      1,
      1,
    );
    expect(done.stdout).toBe("EACCES\n1 b'hello\\n'\n");
  });

  it('a socket that was refused may be connected to the allowed host', async () => {
    const done = await expectConnects(
      python(`s = socket.socket()
try: s.connect(THERE)
except PermissionError: print("refused")
s.connect(HERE); print(s.recv(6))`),
      1,
      1,
    );
    expect(done.stdout).toBe("refused\nb'hello\\n'\n");
  });

  it('a socket whose peer was taken back before it had one may be connected', async () => {
    const done = await expectConnects(
      python(`import ctypes
s = socket.socket(); print(ctypes.CDLL(None).connect(s.fileno(), bytes(16), 16)); s.connect(HERE); print(s.recv(6))`),
      1,
    );
    expect(done.stdout).toBe("0\nb'hello\\n'\n");
  });

  it('getpeername and getsockname agree with what the server is', async () => {
    const done = await expectConnects(
      python(`s = socket.create_connection(HERE); print(*s.getpeername()); print(s.getsockname()[0], s.getsockname()[1] > 0)
t = socket.socket(fileno=os.dup(s.fileno())); print(t.family == socket.AF_INET, t.type == socket.SOCK_STREAM, t.getpeername() == s.getpeername())`),
      1,
    );
    // The socket is one of the host: its peer is the real address, not the one that policy DNS gave out.
    expect(done.stdout).toBe(`127.0.0.1 ${greeting.port}\n127.0.0.1 True\nTrue True True\n`);
  });

  it('500 connects at once, none waited for before the last has begun', async () => {
    const done = await expectConnects(
      python(`sel = selectors.DefaultSelector(); got = {}; bad = []
for i in range(500):
    s = socket.socket(); s.setblocking(False); sel.register(s, selectors.EVENT_READ, i)
    r = s.connect_ex(HERE)
    if r not in (0, errno.EINPROGRESS): bad.append(errno.errorcode[r])
end = time.monotonic() + 30
while len(got) < 500 and time.monotonic() < end:
    for key, _ in sel.select(1):
        got[key.data] = key.fileobj.recv(6); sel.unregister(key.fileobj); key.fileobj.close()
print(len(got), set(got.values()), bad[:3])`),
      500,
    );
    expect(done.stdout).toBe("500 {b'hello\\n'} []\n");
  });

  it('500 connects at once by asyncio, each with both halves closed in turn', async () => {
    const done = await expectConnects(
      python(`async def one(i):
    reader, writer = await asyncio.open_connection(*HERE)
    writer.write(b"x" * i); writer.write_eof()
    got = await reader.read(); writer.close()
    return got == b"hello\\n" + b"x" * i + b"%d bytes\\n" % i
async def main(): return await asyncio.wait_for(asyncio.gather(*(one(i) for i in range(500))), 40)
results = asyncio.run(main()); print(len(results), all(results))`),
      500,
    );
    expect(done.stdout).toBe('500 True\n');
  });

  it('500 blocking connects at once, from as many threads', async () => {
    const done = await expectConnects(
      python(`barrier = threading.Barrier(500); got = []; threading.stack_size(256 * 1024)
def work():
    barrier.wait()
    try: s = socket.create_connection(HERE, 30); got.append(s.recv(6)); s.close()
    except OSError as e: got.append(repr(e))
threads = [threading.Thread(target=work) for _ in range(500)]
for t in threads: t.start()
for t in threads: t.join()
print(len(got), set(got))`),
      500,
    );
    expect(done.stdout).toBe("500 {b'hello\\n'}\n");
  });

  it('allowed and refused connects from threads do not take each other for the other', async () => {
    const done = await expectConnects(
      python(`wrong = []
def good():
    for _ in range(20):
        s = socket.create_connection(HERE, 30)
        if s.recv(6) != b"hello\\n": wrong.append("greeting")
        s.close()
def bad():
    for _ in range(20):
        try: socket.create_connection(THERE, 30); wrong.append("connected")
        except PermissionError: pass
threads = [threading.Thread(target=f) for f in (good, bad) * 10]
for t in threads: t.start()
for t in threads: t.join()
print(wrong)`),
      200,
      200,
    );
    expect(done.stdout).toBe('[]\n');
  });

  it('a child connects, and its parent uses the connection', async () => {
    const done = await expectConnects(
      python(`a, b = socket.socketpair()
pid = os.fork()
if pid == 0:
    s = socket.create_connection(HERE); socket.send_fds(a, [b"x"], [s.fileno()]); os._exit(0)
_, fds, _, _ = socket.recv_fds(b, 1, 1); os.waitpid(pid, 0)
t = socket.socket(fileno=fds[0]); print(t.recv(6)); t.send(b"abc"); t.shutdown(socket.SHUT_WR); print(t.makefile("rb").read())`),
      1,
    );
    expect(done.stdout).toBe("b'hello\\n'\nb'abc3 bytes\\n'\n");
  });

  it('much data in both directions, then one half closed before the other', async () => {
    const done = await expectConnects(
      python(`s = socket.create_connection(HERE, 30); size = 4 << 20
writer = threading.Thread(target=lambda: (s.sendall(b"y" * size), s.shutdown(socket.SHUT_WR))); writer.start()
data = s.makefile("rb").read(); writer.join()
print(data[:6], data[6:6 + size] == b"y" * size, data[6 + size:], s.recv(1))`),
      1,
    );
    expect(done.stdout).toBe("b'hello\\n' True b'4194304 bytes\\n' b''\n");
  });

  it('a second connect, to learn how the first one went, is told that the socket is connected', async () => {
    const done = await direct(scratch, AGAIN());
    expect(done.stdout, done.stderr).toBe("True True\nb'hello\\n'\n");
  });

  it('a second connect is no event of its own', async () => {
    const done = await direct(scratch, AGAIN());
    expect(done.decisions).toHaveLength(1);
  });

  // The child holds the socket that was replaced: left in the set, it would hang up for as long as the child lives.
  it('a socket that was registered before a fork, and connects after it, is in the set once', async () => {
    const done = await direct(
      scratch,
      python(`import select
e = select.epoll(); s = socket.socket(); s.setblocking(False); e.register(s, select.EPOLLIN)
end, child_end = os.pipe(); pid = os.fork()
if pid == 0: os.close(child_end); os.read(end, 1); os._exit(0)
s.connect_ex(HERE); select.select([s], [], [], 10)
print([events for _, events in e.poll(10)]); s.recv(6); print(e.poll(0.2))
os.close(child_end); os.waitpid(pid, 0)`),
    );
    expect(done.stdout, done.stderr).toBe('[1]\n[]\n');
  });

  it('sets of sets, exclusive registrations and a thread that waits already hear of the connection', async () => {
    const done = await expectConnects(
      python(`import select
def fresh(): s = socket.socket(); s.setblocking(False); return s
outer, inner = select.epoll(), select.epoll(); outer.register(inner, select.EPOLLIN)
a = fresh(); inner.register(a, select.EPOLLIN | select.EPOLLET); inner.poll(0); a.connect_ex(HERE)
print(outer.poll(10) == [(inner.fileno(), 1)], inner.poll(10) == [(a.fileno(), 1)])
shared = select.epoll(); b = fresh(); shared.register(b, select.EPOLLIN | select.EPOLLEXCLUSIVE); b.connect_ex(HERE)
print(shared.poll(10) == [(b.fileno(), 1)])
waited = select.epoll(); c = fresh(); waited.register(c, select.EPOLLIN | select.EPOLLET); waited.poll(0); heard = []
thread = threading.Thread(target=lambda: heard.extend(waited.poll(10))); thread.start(); time.sleep(0.2)
c.connect_ex(HERE); thread.join(); print(heard == [(c.fileno(), 1)])`),
      3,
    );
    expect(done.stdout).toBe('True True\nTrue\nTrue\n');
  });

  it('a socket that is bound first connects, and keeps what clients set to keep it alive', async () => {
    const done = await expectConnects(
      python(`for address in ("0.0.0.0", "127.0.0.1"):
    s = socket.socket(); s.settimeout(10); s.bind((address, 0)); s.connect(HERE); print(s.recv(6))
s = socket.socket(); values = {socket.TCP_KEEPIDLE: 33, socket.TCP_KEEPINTVL: 34, socket.TCP_KEEPCNT: 3, socket.TCP_USER_TIMEOUT: 4000}
for option, value in values.items(): s.setsockopt(socket.IPPROTO_TCP, option, value)
s.connect(HERE); print([s.getsockopt(socket.IPPROTO_TCP, o) for o in values])
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 200000)); s.connect(HERE); s.recv(6)
try: s.recv(1)
except BlockingIOError: print("waited")`),
      4,
    );
    expect(done.stdout).toBe("b'hello\\n'\nb'hello\\n'\n[33, 34, 3, 4000]\nwaited\n");
  });

  it('a port where nobody listens is refused by the host, with its errno, and was allowed', async () => {
    const one = python(`print(errno.errorcode[socket.socket().connect_ex(HERE)])
s = socket.socket(); s.setblocking(False); sel = selectors.DefaultSelector(); sel.register(s, selectors.EVENT_WRITE)
r = s.connect_ex(HERE)
if r == errno.EINPROGRESS: sel.select(10); r = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
print(errno.errorcode[r])`);
    const done = await direct(scratch, { ...one, server: 1 });
    expect(done.stdout, done.stderr).toBe('ECONNREFUSED\nECONNREFUSED\n');
    expect(done.decisions).toHaveLength(2);
  });
});

describe('node', () => {
  const script = (text: string): Client => client(node, [node, '-e', `const net = require('net'); ${text}`]);

  it('500 sockets at once', async () => {
    const done = await expectConnects(
      script(`let open = 500; const got = new Set();
require('dns').lookup('greeter.test', { family: 4 }, (_, address) => {
  for (let i = 0; i < 500; i++)
    net.connect(7000, address).once('data', function (d) { got.add(String(d)); this.destroy(); if (--open === 0) console.log([...got]); })
      .on('error', (e) => { got.add(e.code); if (--open === 0) console.log([...got]); });
});`),
      500,
    );
    expect(done.stdout).toBe("[ 'hello\\n' ]\n");
  });

  it('one half closed before the other', async () => {
    const done = await expectConnects(
      script(`const s = net.connect({ port: 7000, host: 'greeter.test', allowHalfOpen: true }); let got = '';
s.on('connect', () => s.end('abc')); s.on('data', (d) => { got += d; }); s.on('end', () => console.log(JSON.stringify(got)));`),
      1,
    );
    expect(done.stdout).toBe('"hello\\nabc3 bytes\\n"\n');
  });

  it('from worker threads', async () => {
    const done = await expectConnects(
      script(`const { Worker } = require('worker_threads'); let text = [], open = 8;
const work = "const s = require('net').connect(7000, 'greeter.test'); s.once('data', (d) => { require('worker_threads').parentPort.postMessage(String(d)); s.destroy(); })";
for (let i = 0; i < 8; i++) new Worker(work, { eval: true }).on('message', (m) => { text.push(m); if (--open === 0) console.log(new Set(text)); });`),
      8,
    );
    expect(done.stdout).toBe("Set(1) { 'hello\\n' }\n");
  });
});

describe.skipIf(find('java') === null)(`java${because(missing('java'))}`, () => {
  const java = realpathSync(find('java') ?? '/usr/bin/env');

  it('NIO: 500 channels of one selector, registered before they connect, each half closed', async () => {
    scratch.write(
      'home/project/Many.java',
      `import java.net.*; import java.nio.*; import java.nio.channels.*; import java.util.*;
class Many { public static void main(String[] a) throws Exception {
  var here = new InetSocketAddress("greeter.test", 7000); var selector = Selector.open(); var got = new TreeMap<String, Integer>();
  for (int i = 0; i < 500; i++) {
    var c = SocketChannel.open(); c.configureBlocking(false);
    var key = c.register(selector, SelectionKey.OP_CONNECT, new StringBuilder());
    if (c.connect(here)) start(key);
  }
  int open = 500; long end = System.nanoTime() + 40_000_000_000L;
  while (open > 0 && System.nanoTime() < end) {
    selector.select(1000);
    for (var key : selector.selectedKeys()) {
      var c = (SocketChannel) key.channel(); var text = (StringBuilder) key.attachment();
      if (key.isConnectable()) { if (c.finishConnect()) start(key); }
      else if (key.isReadable()) {
        var b = ByteBuffer.allocate(64); int n = c.read(b);
        if (n >= 0) text.append(new String(b.array(), 0, n));
        else { got.merge(text.toString().replace("\\n", "|"), 1, Integer::sum); c.close(); open--; }
      }
    }
    selector.selectedKeys().clear();
  }
  System.out.println(got);
}
static void start(SelectionKey key) throws Exception {
  var c = (SocketChannel) key.channel(); c.write(ByteBuffer.wrap("abc".getBytes())); c.shutdownOutput(); key.interestOps(SelectionKey.OP_READ);
} }
`,
    );
    const done = await expectConnects(client(java, ['java', '-XX:+UseSerialGC', 'Many.java']), 500);
    expect(done.stdout).toBe('{hello|abc3 bytes|=500}\n');
  });

  it('blocking sockets from 100 threads', async () => {
    scratch.write(
      'home/project/Threads.java',
      `import java.net.*; import java.util.concurrent.*; import java.util.*;
class Threads { public static void main(String[] a) throws Exception {
  var pool = Executors.newFixedThreadPool(100); var got = new TreeSet<String>(); var all = new ArrayList<Future<String>>();
  for (int i = 0; i < 100; i++) all.add(pool.submit(() -> { try (var s = new Socket("greeter.test", 7000)) { return new String(s.getInputStream().readNBytes(6)).trim(); } }));
  for (var f : all) got.add(f.get());
  pool.shutdown(); System.out.println(got);
} }
`,
    );
    const done = await expectConnects(client(java, ['java', '-XX:+UseSerialGC', 'Threads.java']), 100);
    expect(done.stdout).toBe('[hello]\n');
  });
});

describe.skipIf(find('go') === null)(`a static Go program${because(missing('go'))}`, () => {
  const program = join(scratch.project, 'many');

  it('500 goroutines at once, each with both halves closed in turn', async () => {
    scratch.write(
      'home/project/many.go',
      `package main
import ("fmt"; "io"; "net"; "sync")
func main() {
  address, _ := net.ResolveTCPAddr("tcp4", "greeter.test:7000")
  var group sync.WaitGroup; var lock sync.Mutex; got := map[string]int{}
  for i := 0; i < 500; i++ {
    group.Add(1)
    go func() {
      defer group.Done(); text := ""
      c, err := net.DialTCP("tcp", nil, address)
      if err != nil { text = err.Error() } else { c.Write([]byte("abc")); c.CloseWrite(); all, _ := io.ReadAll(c); text = string(all); c.Close() }
      lock.Lock(); got[text]++; lock.Unlock()
    }()
  }
  group.Wait(); for text, count := range got { fmt.Printf("%q %d\\n", text, count) }
}
`,
    );
    const env = {
      ...{ PATH: process.env['PATH'], HOME: scratch.home, GOFLAGS: '', GOTOOLCHAIN: 'local' },
      ...{ CGO_ENABLED: '0', GOCACHE: scratch.directory('go') },
    };
    execFileSync(find('go')!, ['build', '-o', program, 'many.go'], { cwd: scratch.project, env });
    const done = await expectConnects(client(program, [program]), 500);
    expect(done.stdout).toBe('"hello\\nabc3 bytes\\n" 500\n');
  }, 120_000);
});
