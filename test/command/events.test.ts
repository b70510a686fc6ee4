import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OpenshellEvent } from '../../src/event/event.ts';
import { find, isRoot } from '../programs/support/host.ts';
import {
  environmentOf,
  eventsIn,
  eventsOf,
  type Finished,
  OPENSHELL,
  openshell,
} from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { faultsOfAll } from './support/event-schema.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
let files = 0;

interface Recorded extends Finished {
  readonly events: readonly OpenshellEvent[];
}

/** Runs something with its events in a new file. */
async function recorded(options: readonly string[], command: readonly string[]): Promise<Recorded> {
  const file = join(scratch.root, `events-${++files}`);
  const done = await openshell(['run', '--events', file, ...options, '--', ...command], here);
  return { ...done, events: existsSync(file) ? eventsOf(file) : [] };
}

const denials = (events: readonly OpenshellEvent[]) => events.filter(({ type }) => type === 'denial');

describe('--events', () => {
  it('writes a start and an exit event of the agreed form', async () => {
    const { events } = await recorded([], ['sh', '-c', 'exit 3']);
    expect(faultsOfAll(events)).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(['start', 'exit']);
    const [start, exit] = events;
    expect(start!.subject).toMatchObject({
      kind: 'run',
      command: ['sh', '-c', 'exit 3'],
      tier: 'namespaces',
      network: 'block',
    });
    expect(exit!.subject).toEqual({ kind: 'exit', code: 3, signal: null, denials: 0 });
  });

  it('gives the enforcement report in the start event: each layer with its state and why', async () => {
    const { events } = await recorded([], ['true']);
    const { subject } = events[0]!;
    const report = subject.kind === 'run' ? subject.report : [];
    expect(report.map(({ layer }) => layer).sort()).toEqual(
      ['cpu', 'disk', 'filesystem', 'landlock', 'memory', 'network', 'processes', 'syscalls'].sort(),
    );
    for (const { state, detail } of report) {
      expect(['enforced', 'partial', 'off']).toContain(state);
      expect(detail.length).toBeGreaterThan(5);
    }
  });

  it('names the signal that ended the program', async () => {
    const { events } = await recorded([], ['sh', '-c', 'kill -TERM $$']);
    expect(events.at(-1)!.subject).toMatchObject({ kind: 'exit', code: 143, signal: 'SIGTERM' });
  });

  it.each([
    ['/no/such/program', 127],
    ['/etc/passwd', 126],
  ])('records that %s could not be executed', async (program, code) => {
    const { events } = await recorded([], [program]);
    expect(events.at(-1)).toMatchObject({ type: 'exit', subject: { kind: 'exit', code } });
  });

  it('INV-04 counts each refused system call in exactly one event, with rule and program', async () => {
    const script =
      'for i in 1 2 3 4 5; do unshare -U true 2>/dev/null; done; unshare -n true 2>/dev/null; true';
    const { events, stderr } = await recorded([], ['sh', '-c', script]);
    expect(faultsOfAll(events)).toEqual([]);
    const found = denials(events);
    for (const event of found) {
      expect(event).toMatchObject({
        layer: 'syscalls',
        reason: 'syscall_not_allowed',
        rule: { policy: 'namespaces' },
        subject: { kind: 'syscall', name: 'unshare', errno: 'EPERM' },
        process: { exe: '/usr/bin/unshare' },
      });
    }
    expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(6);
    expect(events.at(-1)!.subject).toMatchObject({ denials: 6 });
    expect(stderr).toContain('refused: /usr/bin/unshare may not call unshare (namespaces): EPERM');
  });

  it('records decisions of the proxy, allowed and denied, with rule and line', async () => {
    const policy = scratch.policy(
      [
        'version: 1',
        'network_policies:',
        '  web:',
        '    endpoints:',
        '      - {host: allowed.test, port: 80}',
        '    binaries: [{path: /usr/bin/curl}]',
        '',
      ].join('\n'),
    );
    const script = 'curl -s -o /dev/null http://allowed.test/; curl -s -o /dev/null http://other.test/; true';
    const { events } = await recorded(
      ['--policy', policy, '--connect-to', 'allowed.test:80:127.0.0.1:9'],
      ['sh', '-c', script],
    );
    expect(faultsOfAll(events)).toEqual([]);
    const rest = events.slice(1, -1);
    expect(rest).toMatchObject([
      {
        type: 'decision',
        layer: 'egress',
        action: 'allow',
        reason: 'upstream_unreachable',
        rule: { policy: 'web', index: 0, line: 5 },
        subject: { kind: 'connect', host: 'allowed.test', port: 80, via: 'forward' },
        process: { exe: '/usr/bin/curl', ancestors: [expect.stringMatching(/sh$/)] },
      },
      {
        type: 'denial',
        layer: 'egress',
        action: 'deny',
        reason: 'endpoint_not_listed',
        subject: { kind: 'connect', host: 'other.test', port: 80 },
        process: { exe: '/usr/bin/curl' },
      },
    ]);
    expect(rest[0]!.process!.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('records a direct connection that no policy lists', async () => {
    const { events, stdout } = await recorded(
      ['--allow', 'allowed.test'],
      ['sh', '-c', 'curl -s --noproxy "*" http://192.0.2.1/; echo $?'],
    );
    expect(stdout).toBe('7\n');
    expect(denials(events)).toMatchObject([
      {
        layer: 'egress',
        reason: 'endpoint_not_listed',
        subject: { kind: 'connect', host: '192.0.2.1', port: 80, address: '192.0.2.1', via: 'direct' },
      },
    ]);
  });

  it('INV-07 names no secret of the environment', async () => {
    const file = scratch.write('secret.env', 'MY_TOKEN=hunter2-from-file\n');
    const { events } = await recorded(
      ['--env-file', file, '--env', 'OTHER_TOKEN=hunter2-from-option'],
      ['sh', '-c', 'unshare -U true 2>/dev/null; exit 0'],
    );
    expect(events.length).toBeGreaterThan(2);
    expect(JSON.stringify(events)).not.toContain('hunter2');
  });
});

describe('the events file', () => {
  it('has mode 0600 whatever the umask, and a next run appends to it', async () => {
    const file = join(scratch.root, 'mode');
    const script = 'umask 0; exec "$@"';
    const args = ['run', '--events', file, '--', 'true'];
    for (const _run of [1, 2]) {
      spawnSync('/bin/sh', ['-c', script, 'sh', process.execPath, OPENSHELL, ...args], {
        cwd: here.cwd,
        env: environmentOf(here),
      });
    }
    expect((statSync(file).mode & 0o7777).toString(8)).toBe('600');
    const events = eventsOf(file);
    expect(events.map(({ type, seq }) => `${type} ${seq}`)).toEqual([
      'start 1',
      'exit 2',
      'start 1',
      'exit 2',
    ]);
    expect(new Set(events.map(({ sandbox }) => sandbox)).size).toBe(2);
  });

  it.each([
    ['a symbolic link', (path: string) => symlinkSync(join(scratch.root, 'target'), path)],
    ['a directory', (path: string) => mkdirSync(path)],
    ['a named pipe', (path: string) => spawnSync('mkfifo', [path])],
    ['a device', (path: string) => symlinkSync('/dev/null', path)],
  ])('is refused when %s stands in its place, and the program does not run', async (what, make) => {
    const file = join(scratch.root, `not-${what.replaceAll(' ', '-')}`);
    make(file);
    const mark = join(scratch.project, 'ran');
    const done = await openshell(['run', '--events', file, '--', 'touch', mark], here);
    expect(done).toMatchObject({ code: 125, stdout: '' });
    expect(done.stderr).toContain('not-');
    expect(done.stderr.trim().split('\n').length).toBe(1);
    expect(existsSync(mark)).toBe(false);
    expect(existsSync(join(scratch.root, 'target'))).toBe(false);
  });

  it.each([
    ['in a directory that does not exist', '/no/such/place/events'],
    ['with an empty name', ''],
  ])('is refused %s', async (_what, path) => {
    expect(await openshell(['run', '--events', path, '--', 'true'], here)).toMatchObject({ code: 125 });
  });

  it.skipIf(isRoot)('is refused where the caller may not write', async () => {
    const closed = scratch.directory('closed');
    const file = join(closed, 'events');
    writeFileSync(file, '');
    chmodSync(file, 0o400);
    expect(await openshell(['run', '--events', file, '--', 'true'], here)).toMatchObject({ code: 125 });
  });
});

describe('--events -', () => {
  it('writes to standard error and leaves standard output to the program; nothing is said besides', async () => {
    const done = await openshell(
      ['run', '--events', '-', '--', 'sh', '-c', 'unshare -U true 2>/dev/null; echo out'],
      here,
    );
    expect(done.stdout).toBe('out\n');
    const lines = done.stderr.trim().split('\n');
    expect(lines.every((line) => line.startsWith('{'))).toBe(true);
    expect(faultsOfAll(eventsIn(done.stderr))).toEqual([]);
  });

  // EAGAIN is thrown where nobody catches it, and the sandbox is killed.
  it.skipIf(find('python3') === null).fails(
    'loses no event and no program when standard error is a non-blocking pipe with a slow reader',
    async () => {
      const driver = [
        'import fcntl, json, os, subprocess, sys, time',
        'r, w = os.pipe()',
        'fcntl.fcntl(w, fcntl.F_SETFL, os.O_NONBLOCK)',
        'fcntl.fcntl(w, 1031, 4096)', // F_SETPIPE_SZ
        'p = subprocess.Popen(sys.argv[1:], stderr=w, stdout=subprocess.DEVNULL)',
        'os.close(w)',
        'time.sleep(2)',
        'print(os.fdopen(r).read())',
        'print("code", p.wait())',
      ].join('\n');
      const inside =
        'for i in $(seq 30); do cp /usr/bin/unshare u$i; ./u$i -U true 2>/dev/null; rm u$i; done; exit 9';
      const args = [process.execPath, OPENSHELL, 'run', '--events', '-', '--', 'sh', '-c', inside];
      const { stdout } = spawnSync(find('python3')!, ['-c', driver, ...args], {
        cwd: here.cwd,
        env: environmentOf(here),
        encoding: 'utf8',
      });
      expect(stdout).toContain('code 9');
      expect(denials(eventsIn(stdout)).length).toBe(30);
      expect(faultsOfAll(eventsIn(stdout))).toEqual([]);
    },
  );
});

it('--quiet says nothing about refusals, and the events file still has them', async () => {
  const { stderr, events } = await recorded(['--quiet'], ['sh', '-c', 'unshare -U true 2>/dev/null; exit 0']);
  expect(stderr).toBe('');
  expect(denials(events).length).toBe(1);
});

describe.skipIf(find('python3') === null)('a refused system call', () => {
  it('that programs probe for and fall back from is recorded but not printed', async () => {
    // io_uring_setup(2) has this number on every architecture.
    const probe = 'import ctypes; print(ctypes.CDLL(None, use_errno=True).syscall(425, 8, None))';
    const { stdout, stderr, events } = await recorded([], ['python3', '-c', probe]);
    expect(stdout).toBe('-1\n');
    expect(denials(events)).toMatchObject([
      { rule: { policy: 'io_uring' }, subject: { name: 'io_uring_setup' } },
    ]);
    expect(stderr).toBe('');
  });

  it('names the line of the policy that shaped its rule', async () => {
    const policy = scratch.policy('version: 1\nprocess:\n  netlink: deny\n');
    const ask = 'import socket\ntry: socket.socket(16, 3, 0)\nexcept PermissionError: print("refused")';
    const { stdout, stderr, events } = await recorded(['--policy', policy], ['python3', '-c', ask]);
    expect(stdout).toBe('refused\n');
    expect(denials(events)).toMatchObject([
      { layer: 'syscalls', rule: { policy: 'netlink', line: 3 }, subject: { name: 'socket' } },
    ]);
    expect(stderr).toContain(`(${policy}:3)`);
  });
});
