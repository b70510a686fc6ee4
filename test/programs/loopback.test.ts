import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, missing, node, nodeOptions } from './support/host.ts';
import { eventsOf, finished, inNamespaces, openshell, start } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const lacking = missing('python3');
const MODES = [
  ['without network', []],
  ['with a proxy', ['--allow', 'web.test']],
] as const;

/** Listens and talks to itself over one kind of socket. */
const talk = (family: string, address: string): string => `import socket, threading
family = socket.${family}
server = socket.socket(family, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(${address})
server.listen(8)
def serve():
    for _ in range(3):
        peer, _ = server.accept()
        peer.sendall(peer.recv(100).upper()); peer.close()
thread = threading.Thread(target=serve); thread.start()
for i in range(3):
    client = socket.socket(family, socket.SOCK_STREAM); client.settimeout(10)
    client.connect(server.getsockname()); client.sendall(b"hello %d" % i)
    print(client.recv(100).decode()); client.close()
thread.join()
`;

describe.each(MODES)('a program inside, %s', (_mode, options) => {
  it.skipIf(lacking.length > 0).each([
    ['127.0.0.1', talk('AF_INET', '("127.0.0.1", 0)')],
    ['127.0.0.1 on a port of its choice', talk('AF_INET', '("127.0.0.1", 18080)')],
    ['another address of loopback', talk('AF_INET', '("127.9.9.9", 0)')],
    ['::1', talk('AF_INET6', '("::1", 0)')],
    [
      'a Unix socket in the project',
      `import os\nif os.path.exists("socket"): os.unlink("socket")\n${talk('AF_UNIX', '"socket"')}`,
    ],
    [
      'a Unix socket in TMPDIR',
      `import os\n${talk('AF_UNIX', 'os.environ.get("TMPDIR", "/tmp") + "/socket"')}`,
    ],
    ['an abstract Unix socket', talk('AF_UNIX', '"\\0abstract"')],
    ['an abstract Unix socket whose name the kernel chooses', talk('AF_UNIX', '""')],
  ])(`talks to itself over %s${because(lacking)}`, async (_where, script) => {
    const done = await openshell(['run', ...options, '--', 'python3', '-c', script], here);
    expect(done).toMatchObject({ code: 0, stdout: 'HELLO 0\nHELLO 1\nHELLO 2\n', stderr: '' });
  });

  it.skipIf(lacking.length > 0)(`sends datagrams to itself, v4 and v6${because(lacking)}`, async () => {
    const script = `import socket
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    a = socket.socket(family, socket.SOCK_DGRAM); a.bind((host, 0)); a.settimeout(10)
    b = socket.socket(family, socket.SOCK_DGRAM); b.connect(a.getsockname()); b.send(b"x")
    print(a.recvfrom(10)[0])`;
    const done = await openshell(['run', ...options, '--', 'python3', '-c', script], here);
    expect(done).toMatchObject({ code: 0, stdout: "b'x'\nb'x'\n" });
  });

  it('serves HTTP to other processes of its own', async () => {
    const file = scratch.write(
      'home/project/serve.mjs',
      `import { createServer, get } from 'node:http';
import { execFile } from 'node:child_process';
const server = createServer((request, response) => response.end('served ' + request.url)).listen(0, 'localhost', () => {
  const url = 'http://localhost:' + server.address().port + '/x';
  execFile(process.execPath, ['-e', 'fetch(process.argv[1]).then((r) => r.text()).then(console.log)', url], (error, out, err) => {
    console.log(error ? err : out.trim()); server.close();
  });
});
`,
    );
    const done = await openshell(['run', ...nodeOptions, ...options, '--', node, file], here);
    expect(done).toMatchObject({ code: 0, stdout: 'served /x\n' });
  });
});

describe.skipIf(lacking.length > 0)('an address', () => {
  it.each([
    ['a port', 'AF_INET', 'STREAM', '("127.0.0.1", 0)'],
    ['a port for datagrams', 'AF_INET', 'DGRAM', '("127.0.0.1", 0)'],
    ['an abstract name', 'AF_UNIX', 'STREAM', '"\\0name"'],
  ])('is free again when its socket is closed, and not before: %s', async (_what, family, type, address) => {
    const script = `import errno, socket
first = socket.socket(socket.${family}, socket.SOCK_${type}); first.bind(${address}); name = first.getsockname()
second = socket.socket(socket.${family}, socket.SOCK_${type})
try: second.bind(name)
except OSError as e: print(errno.errorcode[e.errno])
first.close(); second.bind(name); print(second.getsockname() == name)`;
    const done = await openshell(['run', '--', 'python3', '-c', script], here);
    expect(done).toMatchObject({ code: 0, stdout: 'EADDRINUSE\nTrue\n', stderr: '' });
  });
});

describe.skipIf(lacking.length > 0)('the name of a Unix socket', () => {
  it('has the mode that the umask leaves, and is what the socket is called by', async () => {
    const script = `import os, socket
for mask, name in ((0o077, "private"), (0o002, os.getcwd() + "/shared")):
    if os.path.exists(name): os.unlink(name)
    os.umask(mask); s = socket.socket(socket.AF_UNIX); s.bind(name)
    print(oct(os.stat(name).st_mode & 0o777), s.getsockname() == name)`;
    const done = await openshell(['run', '--', 'python3', '-c', script], here);
    expect(done).toMatchObject({ code: 0, stdout: '0o700 True\n0o775 True\n', stderr: '' });
  });

  it('may be as long as the kernel lets it be, and no longer', async () => {
    const script = `import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
for length in (107, 108, 109):
    s = socket.socket(socket.AF_UNIX)
    address = socket.AF_UNIX.to_bytes(2, "little") + b"x" * length
    wrong = libc.bind(s.fileno(), address, len(address))
    print(errno.errorcode[ctypes.get_errno()] if wrong else os.path.exists("x" * length))
    if not wrong: os.unlink("x" * length)`;
    const done = await openshell(['run', '--', 'python3', '-c', script], here);
    expect(done).toMatchObject({ code: 0, stdout: 'True\nTrue\nEINVAL\n', stderr: '' });
  });

  it('can be given through a descriptor of its directory', async () => {
    const script = `import os, socket
os.makedirs("deep", exist_ok=True); d = os.open("deep", os.O_PATH)
if os.path.exists("deep/s"): os.unlink("deep/s")
s = socket.socket(socket.AF_UNIX); s.bind(f"/proc/self/fd/{d}/s"); s.listen()
c = socket.socket(socket.AF_UNIX); c.connect("deep/s"); print(os.listdir("deep"))`;
    const done = await openshell(['run', '--', 'python3', '-c', script], here);
    expect(done).toMatchObject({ code: 0, stdout: "['s']\n", stderr: '' });
  });
});

describe.skipIf(lacking.length > 0).each(MODES)('a port where nobody listens, %s', (_mode, options) => {
  it('refuses the connection, as on a machine of its own: no refusal of ours, and no event', async () => {
    const log = join(scratch.root, `idle-${options.length}`);
    const script = `import errno, socket
reserved = socket.socket(); reserved.bind(("127.0.0.1", 0)); port = reserved.getsockname()[1]; reserved.close()
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")):
    s = socket.socket(family)
    try: s.connect((host, port))
    except OSError as e: print(errno.errorcode[e.errno])`;
    const done = await openshell(['run', ...options, '--events', log, '--', 'python3', '-c', script], here);
    expect(done).toMatchObject({ code: 0, stdout: 'ECONNREFUSED\n'.repeat(3), stderr: '' });
    expect(eventsOf(log).map(({ type }) => type)).toEqual(['start', 'exit']);
  });
});

describe('a socket that listens', () => {
  it.skipIf(lacking.length > 0)(`may be put to listen again${because(lacking)}`, async () => {
    const script = `import socket
server = socket.create_server(("127.0.0.1", 0)); server.listen(5); server.listen(50)
client = socket.create_connection(server.getsockname()); peer, _ = server.accept(); peer.send(b"x"); print(client.recv(1))`;
    const done = await openshell(['run', '--', 'python3', '-c', script], here);
    expect(done).toMatchObject({ code: 0, stdout: "b'x'\n", stderr: '' });
  });
});

describe('loopback inside is not loopback outside', () => {
  const server = createServer((_request, response) => response.end('outside\n'));
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => void server.close());

  it.each(MODES)('nothing of the host answers there, %s', async (_mode, options) => {
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3`;
    const done = await openshell(['run', ...options, '--', 'bash', '-c', script], here);
    expect(done.code).not.toBe(0);
    expect(done.stdout).toBe('');
  });

  it.runIf(inNamespaces).each(MODES)(
    'a port that the host uses is free inside, %s',
    async (_mode, options) => {
      const script = `require('net').createServer().listen(${port}, '127.0.0.1', function () { console.log('free'); this.close(); })`;
      const done = await openshell(['run', ...nodeOptions, ...options, '--', node, '-e', script], here);
      expect(done).toMatchObject({ code: 0, stdout: 'free\n' });
    },
  );

  it.runIf(inNamespaces)('what listens inside cannot be reached from the host', async () => {
    const script = `const s = require('net').createServer((c) => c.end('inside')).listen(0, '0.0.0.0', () => console.log(s.address().port))`;
    const child = start(['run', ...nodeOptions, '--', node, '-e', script], here);
    const done = finished(child);
    const port = await new Promise<number>((resolve) =>
      child.stdout.once('data', (bytes: Buffer) => resolve(Number(bytes.toString()))),
    );
    const problem = await new Promise((resolve) => {
      connect(port, '127.0.0.1')
        .once('connect', () => resolve('it answered'))
        .once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    child.kill('SIGTERM');
    await done;
    expect(problem).toBe('ECONNREFUSED');
  });
});
