/**
 * Real clients without a proxy: each reaches the host that it may, fails at once at the one that it may not, and says
 * why in its own words; each connect is one event that names binary, host, port and rule.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { allowed, type Client, direct, REFUSED, refused, sinceRefusal } from './support/direct.ts';
import { because, find, findUnpacked, missing, node } from './support/host.ts';
import {
  closeRawServers,
  gitDaemon,
  greeter,
  postgres,
  type RawServer,
  rawServer,
  redis,
  sshBanner,
} from './support/raw-servers.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const scratch = useScratch();
closeRawServers();

/** A refusal is known to the client within this time, however it waits. */
const AT_ONCE_MS = 3000;

const binary = (name: string): string => realpathSync(find(name) ?? '/usr/bin/env');
const sh = (script: string): string[] => ['sh', '-c', script];

/** Runs a client that connects once to its host, then to the refused one, as often as it tries that. */
async function allowedThenRefused(client: Client, tries = 1) {
  const done = await direct(scratch, client);
  const refusal = { ...refused(client), count: tries };
  expect(done.decisions, done.stderr + done.stdout).toMatchObject([allowed(client), refusal]);
  expect(done.stderr).toContain(`${client.binary} may not connect to ${REFUSED}:${client.port}`);
  expect(sinceRefusal(done)).toBeLessThan(AT_ONCE_MS);
  return done;
}

let web: WebServer;
let greeting: RawServer;
beforeAll(async () => {
  web = await serve((request, response) => response.end(`${request.method} ${request.headers.host}\n`));
  greeting = await rawServer(greeter);
  return () => web.close();
});

const overWeb = (name: string, command: readonly string[]): Client => ({
  ...{ command, binary: name === 'node' ? node : binary(name), host: 'web.test', port: 80, server: web.port },
});
const greeted = (name: string, command: readonly string[]): Client => ({
  ...{ command, binary: name === 'node' ? node : binary(name), host: 'greeter.test', port: 7000 },
  server: greeting.port,
});

describe('directly', () => {
  it.skipIf(find('curl') === null)('curl', async () => {
    const script = `curl -sS --noproxy '*' http://web.test/; curl -sv --noproxy '*' http://${REFUSED}/`;
    const done = await allowedThenRefused(overWeb('curl', sh(script)));
    expect(done).toMatchObject({ code: 7, stdout: 'GET web.test\n' });
    expect(done.stderr).toMatch(/Permission denied/);
  });

  it('node: net', async () => {
    const script = `const net = require('net');
net.connect(7000, 'greeter.test').once('data', function (data) {
  console.log(String(data).trim(), this.remoteFamily, this.remotePort > 0);
  this.destroy();
  net.connect(7000, '${REFUSED}').on('error', (e) => console.log(e.code, e.syscall)).on('connect', () => console.log('connected'));
});`;
    const done = await allowedThenRefused(greeted('node', [node, '-e', script]));
    expect(done).toMatchObject({ code: 0, stdout: 'hello IPv4 true\nEACCES connect\n' });
  });

  it('node: fetch', async () => {
    const script = `(async () => {
  console.log((await (await fetch('http://web.test/')).text()).trim());
  await fetch('http://${REFUSED}/').catch((e) => console.log(e.cause.code));
})();`;
    const done = await allowedThenRefused(overWeb('node', [node, '-e', script]));
    expect(done).toMatchObject({ code: 0, stdout: 'GET web.test\nEACCES\n' });
  });

  it('node: an address of dns.resolve4', async () => {
    const script = `const net = require('net'), { resolve4 } = require('dns').promises;
(async () => {
  const [mine, another] = [(await resolve4('greeter.test'))[0], (await resolve4('${REFUSED}'))[0]];
  console.log(mine !== another);
  net.connect(7000, mine).once('data', function (data) {
    console.log(String(data).trim()); this.destroy();
    net.connect(7000, another).on('error', (e) => console.log(e.code));
  });
})();`;
    const done = await allowedThenRefused(greeted('node', [node, '-e', script]));
    expect(done).toMatchObject({ code: 0, stdout: 'true\nhello\nEACCES\n' });
  });

  describe.skipIf(find('python3') === null)(`python3${because(missing('python3'))}`, () => {
    it('sockets', async () => {
      const script = `import errno, socket
print(socket.create_connection(("greeter.test", 7000), 10).recv(6))
try: socket.create_connection(("${REFUSED}", 7000), 10)
except PermissionError as e: print(errno.errorcode[e.errno])`;
      const done = await allowedThenRefused(greeted('python3', ['python3', '-c', script]));
      expect(done).toMatchObject({ code: 0, stdout: "b'hello\\n'\nEACCES\n" });
    });

    it('urllib', async () => {
      const script = `import urllib.request, urllib.error
print(urllib.request.urlopen("http://web.test/", timeout=10).read())
try: urllib.request.urlopen("http://${REFUSED}/", timeout=10)
except urllib.error.URLError as e: print(repr(e.reason))`;
      const done = await allowedThenRefused(overWeb('python3', ['python3', '-c', script]));
      expect(done).toMatchObject({
        code: 0,
        stdout: "b'GET web.test\\n'\nPermissionError(13, 'Permission denied')\n",
      });
    });

    it('asyncio', async () => {
      const script = `import asyncio
async def main():
    reader, writer = await asyncio.open_connection("greeter.test", 7000)
    print(await reader.readline()); writer.write(b"abc"); writer.write_eof(); print(await reader.read()); writer.close()
    try: await asyncio.open_connection("${REFUSED}", 7000)
    except OSError as e: print(type(e).__name__, e.errno)
asyncio.run(main())`;
      const done = await allowedThenRefused(greeted('python3', ['python3', '-c', script]));
      expect(done).toMatchObject({
        code: 0,
        stdout: "b'hello\\n'\nb'abc3 bytes\\n'\nPermissionError 13\n",
      });
    });
  });

  describe.skipIf(find('go') === null)(`a static Go program${because(missing('go'))}`, () => {
    const program = join(scratch.project, 'client');
    beforeAll(() => {
      scratch.write(
        'home/project/client.go',
        `package main
import ("errors"; "fmt"; "io"; "net"; "syscall"; "time")
func main() {
  c, err := net.DialTimeout("tcp", "greeter.test:7000", 10*time.Second); if err != nil { fmt.Println(err); return }
  b := make([]byte, 6); io.ReadFull(c, b); fmt.Printf("%q\\n", b)
  c.Write([]byte("abc")); c.(*net.TCPConn).CloseWrite(); rest, _ := io.ReadAll(c); fmt.Printf("%q\\n", rest)
  _, err = net.DialTimeout("tcp", "${REFUSED}:7000", 10*time.Second); fmt.Println(errors.Is(err, syscall.EACCES), err)
}
`,
      );
      const env = {
        ...{ PATH: process.env['PATH'], HOME: scratch.home, GOFLAGS: '', GOTOOLCHAIN: 'local' },
        ...{ CGO_ENABLED: '0', GOCACHE: scratch.directory('go') },
      };
      execFileSync(find('go')!, ['build', '-o', program, 'client.go'], { cwd: scratch.project, env });
    }, 120_000);

    it('net', async () => {
      const done = await allowedThenRefused({ ...greeted('go', [program]), binary: program });
      expect(done).toMatchObject({ code: 0 });
      expect(done.stdout).toMatch(
        /^"hello\\n"\n"abc3 bytes\\n"\ntrue dial tcp \S+: connect: permission denied\n$/,
      );
    });
  });

  describe.skipIf(find('java') === null)(`java${because(missing('java'))}`, () => {
    it('NIO: a channel that is registered before it connects', async () => {
      scratch.write(
        'home/project/Client.java',
        `import java.io.IOException; import java.net.*; import java.nio.*; import java.nio.channels.*;
class Client {
  static void greet(String host) throws IOException {
    try (var selector = Selector.open(); var channel = SocketChannel.open()) {
      channel.configureBlocking(false);
      var key = channel.register(selector, SelectionKey.OP_CONNECT);
      if (!channel.connect(new InetSocketAddress(host, 7000)))
        do { selector.select(10000); selector.selectedKeys().clear(); } while (!channel.finishConnect());
      key.interestOps(SelectionKey.OP_READ); selector.select(10000);
      var buffer = ByteBuffer.allocate(6); channel.read(buffer);
      System.out.print(new String(buffer.array())); System.out.println(channel.getRemoteAddress() != null);
    }
  }
  public static void main(String[] a) throws Exception {
    greet("greeter.test");
    try { greet("${REFUSED}"); } catch (SocketException e) { System.out.println(e.getMessage()); }
  }
}
`,
      );
      const done = await allowedThenRefused(greeted('java', ['java', '-XX:+UseSerialGC', 'Client.java']));
      expect(done).toMatchObject({ code: 0, stdout: 'hello\ntrue\nPermission denied\n' });
    });

    it('Socket, with a bound on its wait', async () => {
      scratch.write(
        'home/project/Old.java',
        `import java.net.*;
class Old {
  static void greet(String host) throws Exception {
    try (var s = new Socket()) {
      s.connect(new InetSocketAddress(host, 7000), 10000); s.setSoTimeout(10000);
      System.out.print(new String(s.getInputStream().readNBytes(6)));
      s.getOutputStream().write("abc".getBytes()); s.shutdownOutput();
      System.out.print(new String(s.getInputStream().readAllBytes()));
    }
  }
  public static void main(String[] a) throws Exception {
    greet("greeter.test");
    try { greet("${REFUSED}"); } catch (SocketException e) { System.out.println(e.getMessage()); }
  }
}
`,
      );
      const done = await allowedThenRefused(greeted('java', ['java', '-XX:+UseSerialGC', 'Old.java']));
      expect(done).toMatchObject({ code: 0 });
      expect(done.stdout).toMatch(/^hello\nabc3 bytes\nPermission denied/);
    });
  });

  const asio = '/usr/include/asio.hpp';
  const noAsio = [...missing('g++'), ...(existsSync(asio) ? [] : ['libasio-dev'])];
  it.skipIf(noAsio.length > 0)(
    `Asio, which registers its socket before it connects${because(noAsio)}`,
    async () => {
      const source = scratch.write(
        'home/project/client.cc',
        `#include <asio.hpp>
#include <iostream>
void greet(const char *host) {
  asio::io_context context; asio::ip::tcp::socket socket(context); std::string text(6, 0);
  auto where = *asio::ip::tcp::resolver(context).resolve(asio::ip::tcp::v4(), host, "7000").begin();
  socket.open(asio::ip::tcp::v4());
  socket.async_connect(where.endpoint(), [&](std::error_code error) {
    if (error) std::cout << error.value() << std::endl;
    else asio::async_read(socket, asio::buffer(text), [&](std::error_code, std::size_t) { std::cout << text; });
  });
  context.run_for(std::chrono::seconds(10));
}
int main() { greet("greeter.test"); greet("${REFUSED}"); }
`,
      );
      const program = join(scratch.project, 'asio-client');
      const options = ['-std=c++17', '-DASIO_STANDALONE', '-pthread', '-o', program];
      execFileSync(find('g++')!, [...options, source]);
      const done = await allowedThenRefused({ ...greeted('sh', [program]), binary: program });
      expect(done).toMatchObject({ code: 0, stdout: 'hello\n13\n' });
    },
    120_000,
  );

  it.skipIf(find('git') === null)('git, by its own protocol', async () => {
    const root = scratch.directory('repositories');
    const git = (...args: string[]) =>
      execFileSync(find('git')!, args, {
        ...{ cwd: root, stdio: 'ignore' },
        env: { HOME: root, GIT_CONFIG_NOSYSTEM: '1' },
      });
    git('init', '-q', 'made');
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@b.test'];
    git('-C', 'made', ...who, 'commit', '-q', '--allow-empty', '-m', 'the first');
    const daemon = await rawServer(gitDaemon(root));
    const script = `git clone -q git://git.test/made cloned && git -C cloned log --format=%s; git ls-remote git://${REFUSED}/made`;
    const client = {
      command: sh(script),
      binary: binary('git'),
      host: 'git.test',
      port: 9418,
      server: daemon.port,
    };
    const done = await allowedThenRefused(client);
    expect(done).toMatchObject({ code: 128, stdout: 'the first\n' });
    expect(done.stderr).toMatch(/errno=Permission denied/);
  });

  describe.skipIf(find('ssh') === null)(`ssh${because(missing('ssh'))}`, () => {
    const ssh = async (command: readonly string[], name: string): Promise<Client> => ({
      ...{ command, binary: binary(name), host: 'ssh.test', port: 22 },
      server: (await rawServer(sshBanner)).port,
    });

    it('as far as the banner', async () => {
      const options = '-F none -o BatchMode=yes';
      const script = `ssh -v ${options} ssh.test true; ssh ${options} ${REFUSED} true`;
      const done = await allowedThenRefused(await ssh(sh(script), 'ssh'));
      expect(done.code).toBe(255);
      expect(done.stderr).toContain('remote software version Fake_1.0');
      expect(done.stderr).toContain(`ssh: connect to host ${REFUSED} port 22: Permission denied`);
    });

    it('ssh with a bound on its wait', async () => {
      const options = '-F none -o BatchMode=yes -o ConnectTimeout=10';
      const script = `ssh -v ${options} ssh.test true; ssh ${options} ${REFUSED} true`;
      const done = await allowedThenRefused(await ssh(sh(script), 'ssh'));
      expect(done.stderr).toContain('remote software version Fake_1.0');
      expect(done.stderr).toContain(`ssh: connect to host ${REFUSED} port 22: Permission denied`);
    });

    it.skipIf(find('ssh-keyscan') === null)('ssh-keyscan', async () => {
      const script = `ssh-keyscan -v -t ed25519 -T 10 ssh.test; ssh-keyscan -t ed25519 -T 10 ${REFUSED}`;
      const done = await allowedThenRefused(await ssh(sh(script), 'ssh-keyscan'));
      expect(done.stdout + done.stderr).toContain('Fake_1.0');
      expect(done.stderr).toMatch(/Permission denied/);
    });
  });

  it.skipIf(find('psql') === null)(`psql${because(missing('psql'))}`, async () => {
    const { port } = await rawServer(postgres);
    // The command is a script on Debian; what connects lies elsewhere.
    const found = execFileSync('sh', [
      '-c',
      'ls -d /usr/lib/postgresql/*/bin/psql 2>/dev/null || command -v psql',
    ]);
    const psql = realpathSync(found.toString().trim().split('\n').at(-1)!);
    const query = (host: string) =>
      `${psql} -X -w -A -t "host=${host} user=a dbname=a sslmode=disable connect_timeout=10" -c "select 1"`;
    const script = `${query('pg.test')}; ${query(REFUSED)}`;
    const client = { command: sh(script), binary: psql, host: 'pg.test', port: 5432, server: port };
    const done = await allowedThenRefused(client);
    expect(done).toMatchObject({ code: 2, stdout: 'answer\n' });
    expect(done.stderr).toMatch(/refused\.test.*failed: Permission denied/);
  });

  // It connects again to learn how its connect went, which is no second event, and tries what fails twice.
  it.skipIf(find('redis-cli') === null)(`redis-cli${because(missing('redis-cli'))}`, async () => {
    const { port } = await rawServer(redis);
    const script = `redis-cli -h redis.test PING; redis-cli -h ${REFUSED} PING`;
    const command = sh(script);
    const client = { command, binary: binary('redis-cli'), host: 'redis.test', port: 6379, server: port };
    await allowedThenRefused(client, 2);
  });

  describe.skipIf(find('perl') === null)(`perl${because(missing('perl'))}`, () => {
    const perl = (bound: string): Client =>
      greeted('perl', [
        ...['perl', '-MIO::Socket::INET', '-e'],
        `$s = IO::Socket::INET->new(PeerAddr => "greeter.test:7000"${bound}) or die $@; print scalar <$s>;
IO::Socket::INET->new(PeerAddr => "${REFUSED}:7000"${bound}) or print $! + 0, "\n";`,
      ]);

    it('IO::Socket', async () => {
      const done = await allowedThenRefused(perl(''));
      expect(done).toMatchObject({ code: 0, stdout: 'hello\n13\n' });
    });

    it('IO::Socket with a bound on its wait', async () => {
      const done = await direct(scratch, perl(', Timeout => 10'));
      expect(done).toMatchObject({ code: 0, stdout: 'hello\n13\n' });
    });

    // As redis-cli does.
    it('IO::Socket with a bound on its wait is one event for each connect', async () => {
      await allowedThenRefused(perl(', Timeout => 10'));
    });
  });

  it.skipIf(find('bash') === null)(`bash, /dev/tcp${because(missing('bash'))}`, async () => {
    const script = `exec 3<>/dev/tcp/greeter.test/7000; head -n 1 <&3; exec 3<>/dev/tcp/${REFUSED}/7000`;
    const done = await allowedThenRefused(greeted('bash', ['bash', '-c', script]));
    expect(done).toMatchObject({ code: 1, stdout: 'hello\n' });
    expect(done.stderr).toContain('Permission denied');
  });

  describe.skipIf(find('wget') === null)(`wget${because(missing('wget'))}`, () => {
    const wget = (options: string): Client => {
      const fetch = `wget -q --no-proxy ${options} -O -`;
      return overWeb('wget', sh(`${fetch} http://web.test/; ${fetch} http://${REFUSED}/`));
    };

    it('that tries once', async () => {
      const done = await allowedThenRefused(wget('--tries=1'));
      expect(done).toMatchObject({ code: 4, stdout: 'GET web.test\n' });
    });

    // It takes EACCES for something that passes: 20 tries with pauses, minutes in all. (Not so ECONNREFUSED,
    // ENETUNREACH, EHOSTUNREACH.)
    it.fails('as it comes fails at once', async () => {
      await allowedThenRefused(wget('--tries=3'));
    });
  });

  const nginx = findUnpacked('nginx');
  it.skipIf(nginx === null || find('curl') === null)(
    `nginx, as a proxy for others${because([...(nginx === null ? ['nginx'] : []), ...missing('curl')])}`,
    async () => {
      const copy = join(scratch.project, 'nginx');
      copyFileSync(nginx!, copy);
      scratch.write(
        'home/project/nginx.conf',
        `worker_processes 1; daemon off; pid nginx.pid; error_log stderr info;
events { worker_connections 512; }
http {
  access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server { listen 127.0.0.1:8080;
    location /mine { proxy_pass http://web.test:80/; }
    location /another { proxy_pass http://${REFUSED}:80/; } }
}
`,
      );
      const get = "curl -sS --noproxy '*' http://127.0.0.1:8080";
      // It writes its number when it listens. Before that, a connect to the port would be one to a port of somebody else's.
      const listening = 'for i in $(seq 200); do [ -s nginx.pid ] && break; sleep 0.05; done';
      const script = `./nginx -p "$PWD/" -c "$PWD/nginx.conf" & ${listening}; ${get}/mine; curl -s -o /dev/null -w '%{http_code}' --noproxy '*' http://127.0.0.1:8080/another; kill $!; wait`;
      const done = await allowedThenRefused({ ...overWeb('sh', sh(script)), binary: copy });
      expect(done.stdout).toBe('GET web.test\n502');
      expect(done.stderr).toMatch(/connect\(\) to \S+ failed \(13: Permission denied\)/);
    },
  );
});
