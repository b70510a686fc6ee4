/** Unix sockets of the host: only in writable directories, or where the policy lists them by name. */

import { chmodSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, missing } from './support/host.ts';
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
