import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, missing, node, nodeOptions } from './support/host.ts';
import { finished, inNamespaces, openshell, start } from './support/openshell.ts';
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
  it
    .skipIf(lacking.length > 0)
    .each([
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
      ...(inNamespaces ? [['an abstract Unix socket', talk('AF_UNIX', '"\\0abstract"')]] : []),
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
