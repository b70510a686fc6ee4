/** Unix sockets of the host: only in writable directories, or where the policy lists them by name. */

import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, find, missing } from './support/host.ts';
import { eventsOf, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const lacking = missing('python3');
const servers: Server[] = [];
const listed = scratch.directory('listed');
let runs = 0;

async function listenAt(path: string): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('reached');
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  if (!path.startsWith('\0')) chmodSync(path, 0o777);
  servers.push(server);
}

beforeAll(async () => {
  await listenAt(join(listed, 'service'));
  await listenAt(join(listed, 'named'));
  await listenAt(join(scratch.project, 'own'));
  await listenAt(`\0openshell-test-${process.pid}`);
});
afterAll(() => {
  for (const server of servers) server.close();
});

async function connect(path: string, options: readonly string[], network: readonly string[] = []) {
  runs += 1;
  const log = join(scratch.root, `events-${runs}`);
  const script = `import errno, os, socket, sys
s = socket.socket(socket.AF_UNIX)
try: s.connect(sys.argv[1].replace("@", "\\0")); print(s.recv(10).decode())
except OSError as e: print(errno.errorcode[e.errno])`;
  const done = await openshell(
    ['run', ...network, ...options, '--events', log, '--', 'python3', '-c', script, path],
    here,
  );
  const refused = eventsOf(log).filter(({ layer }) => layer === 'unix');
  return { out: done.stdout.trim(), refused, stderr: done.stderr };
}

describe.skipIf(lacking.length > 0).each([
  ['without network', []],
  ['with the proxy', ['--allow', 'a.test']],
  ["with the host's network", ['--network', 'allow', '--accept-degraded']],
])(`a Unix socket of the host, %s${because(lacking)}`, (_mode, network) => {
  it('in a read-only directory is out of reach, and the refusal is recorded', async () => {
    const path = join(listed, 'service');
    const { out, refused, stderr } = await connect(path, ['--read', listed], network);
    expect(out, stderr).toBe('EACCES');
    expect(refused).toMatchObject([
      { type: 'denial', reason: 'unix_socket_not_listed', subject: { kind: 'unix', path }, count: 1 },
    ]);
    expect(stderr).toContain(`may not connect to the Unix socket ${path}`);
  });

  it.each([
    ['by a symbolic link', (path: string) => `ln -sf ${path} link; exec python3 -c "$0" link`],
    [
      'by a descriptor of its directory',
      (path: string) => `exec python3 -c "$0" /proc/self/fd/9/service 9<${join(path, '..')}`,
    ],
    ['by /proc/self/root', (path: string) => `exec python3 -c "$0" /proc/self/root${path}`],
    ['by the root of another process', (path: string) => `python3 -c "$0" /proc/$$/root${path}; true`],
  ])('is so %s too', async (_how, command) => {
    const script =
      'import errno, socket, sys\ns = socket.socket(socket.AF_UNIX)\ntry: s.connect(sys.argv[1]); print("reached")\nexcept OSError as e: print(errno.errorcode[e.errno])';
    const shell = command(join(listed, 'service'));
    const done = await openshell(
      ['run', ...network, '--read', listed, '--', 'sh', '-c', shell, script],
      here,
    );
    expect(done.stdout, done.stderr).toBe('EACCES\n');
  });

  it('that the policy lists by its own path can be reached', async () => {
    const { out, stderr } = await connect(join(listed, 'named'), ['--read', join(listed, 'named')], network);
    expect(out, stderr).toBe('reached');
  });

  it('in a writable directory can be reached', async () => {
    const { out, stderr } = await connect(join(scratch.project, 'own'), [], network);
    expect(out, stderr).toBe('reached');
  });

  it('with an abstract name is out of reach', async () => {
    const { out, refused } = await connect(`@openshell-test-${process.pid}`, [], network);
    const shared = network.includes('allow');
    expect(out).toBe(shared ? 'EACCES' : 'ECONNREFUSED');
    expect(refused.map(({ subject }) => subject)).toEqual(
      shared ? [{ kind: 'unix', path: `@openshell-test-${process.pid}` }] : [],
    );
  });
});

const compiler = find('cc');
describe.skipIf(compiler === null)(`a race for a Unix socket of the host${because(missing('cc'))}`, () => {
  /** Connects while another thread exchanges the path in memory, or what a link leads to. */
  const SOURCE = `#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static char *good, *bad;
static volatile int over;
static void *rewrite(void *unused) {
  while (!over) strcpy(address.sun_path, bad), strcpy(address.sun_path, good);
  return unused;
}
static void lead(const char *to) { symlink(to, "new"); rename("new", "led"); }
static void *relink(void *unused) {
  while (!over) lead(bad), lead(good);
  return unused;
}
int main(int count, char **words) {
  pthread_t thread;
  int links = count > 3, reached = 0, refused = 0, wrong = 0;
  good = words[1];
  bad = words[2];
  strcpy(address.sun_path, links ? "led" : good);
  lead(good);
  pthread_create(&thread, NULL, links ? relink : rewrite, NULL);
  for (int i = 0; i < 10000; i++) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char text[8] = "";
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
      read(fd, text, sizeof text - 1);
      if (strcmp(text, "reached") == 0) reached++;
      else wrong++;
    } else refused++; /* half a path leads nowhere */
    close(fd);
  }
  over = 1;
  pthread_join(thread, NULL);
  printf("%d wrong, %d reached, %d refused\\n", wrong, reached, refused);
  return 0;
}
`;
  let intruders = 0;
  beforeAll(async () => {
    const path = join(listed, 'other');
    const server = createServer((socket) => {
      intruders += 1;
      socket.on('error', () => {}).end('wrong');
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    servers.push(server);
    chmodSync(path, 0o777);
  });

  it.each([
    ['the path', []],
    ['a link', ['links']],
  ])('is lost, with %s changing under the call', async (_what, how) => {
    const program = join(scratch.project, 'race');
    execFileSync(compiler!, ['-o', program, scratch.write('home/project/race.c', SOURCE), '-pthread']);
    const command = [program, join(scratch.project, 'own'), join(listed, 'other'), ...how];
    const done = await openshell(
      ['run', '--quiet', '--allow', 'a.test', '--read', listed, '--', ...command],
      here,
    );
    expect(done.stdout, done.stderr).toMatch(/^0 wrong, [1-9]\d* reached, [1-9]\d* refused$/m);
    expect(intruders).toBe(0);
  });
});
