/** What is told about refusals: events for what is refused by name, and nothing for what programs take as "not there". */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOST_ARCH } from '../differential/kernel.ts';
import { isRoot } from '../support/product.ts';
import { denialsIn, eventsIn, unavailable, Workplace } from './workplace.ts';

let place: Workplace;
beforeAll(() => {
  if (unavailable === null) place = new Workplace('report');
});
afterAll(() => place?.remove());

/** Each refused once, under a rule and for a call that no other row has. */
const REFUSED: readonly (readonly [action: string, rule: string, call: string, errno: string])[] = [
  ['trace-me', 'ptrace', 'ptrace', 'EPERM'],
  ['process-vm-readv', 'ptrace', 'process_vm_readv', 'EPERM'],
  ['pidfd-send-signal', 'pidfd', 'pidfd_send_signal', 'EPERM'],
  ['pidfd-getfd', 'pidfd_getfd', 'pidfd_getfd', 'EPERM'],
  ['bpf', 'bpf', 'bpf', 'EPERM'],
  ['io-uring-setup', 'io_uring', 'io_uring_setup', 'EPERM'],
  ['userfaultfd', 'userfaultfd', 'userfaultfd', 'EPERM'],
  ['perf-event-open', 'perf_events', 'perf_event_open', 'EPERM'],
  ['keyctl', 'keyring', 'keyctl', 'EPERM'],
  ['kexec-load', 'kexec', 'kexec_load', 'EPERM'],
  ['delete-module', 'kernel_modules', 'delete_module', 'EPERM'],
  ['chroot /', 'mount', 'chroot', 'EPERM'],
  ['mount /tmp', 'mount', 'mount', 'EPERM'],
  ['setns net 0x40000000', 'namespaces', 'setns', 'EPERM'],
  ['unshare 0x10000000', 'namespaces', 'unshare', 'EPERM'],
  ['clone 0x10000000', 'namespaces', 'clone', 'EPERM'],
  ['unshare-table', 'descriptor_table', 'unshare', 'EPERM'],
  ['prlimit parent', 'other_process', 'prlimit64', 'EPERM'],
  ['sched-setaffinity parent', 'other_process', 'sched_setaffinity', 'EPERM'],
  ['setpriority-process parent', 'other_process', 'setpriority', 'EPERM'],
  ['memfd-create 0', 'memfd_exec', 'memfd_create', 'EPERM'],
  ['memfd-secret', 'memfd_secret', 'memfd_secret', 'EPERM'],
  ['execveat-descriptor', 'fexecve', 'execveat', 'EPERM'],
  ['seccomp-filter', 'nested_filters', 'seccomp', 'EPERM'],
  ['seccomp-filter-by-prctl', 'nested_filters', 'prctl', 'EPERM'],
  ['change-image', 'process_image', 'prctl', 'EPERM'],
  ['personality 0x400000', 'personality', 'personality', 'EPERM'],
  ['make-by-openat s 04755', 'setuid_bit', 'openat', 'EPERM'],
  ['type-character own', 'tty_input', 'ioctl', 'EPERM'],
  ['set-discipline own', 'terminal_setup', 'ioctl', 'EPERM'],
  ['socket 40 1 0', 'socket_family', 'socket', 'EAFNOSUPPORT'],
  ['socket 2 3 1', 'raw_socket', 'socket', 'EPERM'],
  ['socket 2 1 262', 'mptcp', 'socket', 'EPROTONOSUPPORT'],
  ['socket 2 1 132', 'socket_protocol', 'socket', 'EPROTONOSUPPORT'],
  ['socket 16 3 12', 'netlink', 'socket', 'EPERM'],
  ['socketpair 30 5 0', 'socket_family', 'socketpair', 'EAFNOSUPPORT'],
  ...(HOST_ARCH === 'x86_64' ? ([['int80 20', 'foreign_abi', 'syscall 20', 'EPERM']] as const) : []),
];

/** Answered by the filter itself, so that programs fall back. */
const ABSENT = [
  'raw 1000',
  'openat2',
  'clone3 0',
  'listmount',
  'statmount',
  'prctl 5000',
  'set-option 2 1 6 30 1',
  'fast-open sendto 127.0.0.1 9',
  'hide-memory',
];

describe.skipIf(unavailable !== null)('INV-04 a refused call', () => {
  it('is in exactly one event, with layer, reason, rule, call and errno', async () => {
    const script = REFUSED.map(([action]) => `"$0" ${action}`).join('\n');
    const { events, stderr } = await place.run(['--quiet'], ['/bin/sh', '-c', script, place.probe]);
    const told = denialsIn(events).map(({ layer, action, reason, rule, subject, count }) => ({
      layer,
      action,
      reason,
      rule: rule?.policy,
      call: subject.kind === 'syscall' ? subject.name : subject.kind,
      errno: subject.kind === 'syscall' ? subject.errno : '',
      count,
    }));
    const expected = REFUSED.map(([, rule, call, errno]) => ({
      layer: 'syscalls',
      action: 'deny',
      reason: 'syscall_not_allowed',
      rule,
      call,
      errno,
      count: 1,
    }));
    const byName = (a: { rule?: string | undefined; call: string }, b: typeof a): number =>
      `${a.rule} ${a.call}`.localeCompare(`${b.rule} ${b.call}`);
    expect(told.sort(byName), stderr).toEqual([...expected].sort(byName));
  });

  it('names the program, its ancestors and the arguments', async () => {
    const { events } = await place.run(
      ['--quiet'],
      ['/bin/sh', '-c', '"$0" raw "$1" 41; :', place.probe, callNumber('bpf')],
    );
    const [denial] = denialsIn(events);
    expect(denial).toMatchObject({
      process: { exe: place.probe, sha256: null, ancestors: [expect.stringMatching(/sh$/)] },
      subject: { kind: 'syscall', name: 'bpf' },
    });
    expect(denial!.subject).toHaveProperty('args.0', expect.stringMatching(/41|0x29/));
  });

  it('that is repeated is one event with a count', async () => {
    const { events } = await place.run(['--quiet'], [place.probe, 'repeat', '500', 'userfaultfd']);
    const denials = denialsIn(events).filter(({ rule }) => rule?.policy === 'userfaultfd');
    const counted = denials.reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBe(500);
    // Those of one second share an event; 500 calls take a small part of one.
    expect(denials.length).toBeLessThan(10);
  });

  it('is counted once in the sum of the last event', async () => {
    const script = '"$0" repeat 20 userfaultfd; "$0" repeat 30 keyctl; "$0" socket 40 1 0; :';
    const { events } = await place.run(['--quiet'], ['/bin/sh', '-c', script, place.probe]);
    expect(events.at(-1)).toMatchObject({ type: 'exit', subject: { kind: 'exit', denials: 51 } });
    expect(denialsIn(events).reduce((sum, { count }) => sum + count, 0)).toBe(51);
  });

  it('carries the line of the policy that shaped its rule', async () => {
    const policy = place.write('netlink.yaml', 'version: 1\nprocess:\n  # none\n  netlink: deny\n');
    const { events } = await place.run(['--quiet', '-p', policy], [place.probe, 'socket', '16', '3', '0']);
    expect(denialsIn(events)).toMatchObject([{ rule: { policy: 'netlink', index: null, line: 4 } }]);
  });

  it('is told even when its caller and its ancestors have paths as long as there are', async () => {
    const { events } = await place.run(['--quiet'], [place.probe, 'deep', '3', 'userfaultfd']);
    expect(denialsIn(events)).toHaveLength(1);
  });

  it('is told even when the names of many ancestors are longer than a report', async () => {
    const { events } = await place.run(['--quiet'], [place.probe, 'deep', '70', 'userfaultfd']);
    const denials = denialsIn(events);
    expect(denials).toHaveLength(1);
    const { exe, ancestors } = denials[0]!.process!;
    expect(exe.length).toBeGreaterThan(3000);
    // The nearest have their names, up to 64 KiB together.
    expect(ancestors).toHaveLength(64);
    expect(ancestors.indexOf('')).toBeGreaterThan(10);
    expect(ancestors.slice(ancestors.indexOf('')).every((path) => path === '')).toBe(true);
  });

  it('by a program with a hostile name is one line of events', async () => {
    const name = hostile('a\n{"v":1,"type":"exit"}\x1b[2J');
    const { events, stderr } = await place.run([], [name, 'userfaultfd']);
    expect(events.map(({ type }) => type)).toEqual(['start', 'denial', 'exit']);
    expect(events[1]!.process!.exe).toBe(name);
    expect(stderr).not.toContain('\x1b');
  });

  it.fails('by a program with a hostile name is one line of text', async () => {
    const { stderr } = await place.run([], [hostile('b\nopenshell: forged'), 'userfaultfd']);
    expect(stderr).not.toMatch(/^openshell: forged/m);
  });
});

/** A program of that name. */
function hostile(name: string): string {
  const path = join(place.project, name);
  copyFileSync(place.probe, path);
  chmodSync(path, 0o755);
  return path;
}

describe.skipIf(unavailable !== null)('a call that programs fall back from', () => {
  it('is answered without an event', async () => {
    const script = ABSENT.map((action) => `"$0" ${action}`).join('\n');
    const { events, stdout } = await place.run(['--quiet'], ['/bin/sh', '-c', script, place.probe]);
    expect(stdout.split('\n').filter((line) => line === 'ok')).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(['start', 'exit']);
    expect(events.at(-1)).toMatchObject({ subject: { denials: 0 } });
  });

  it('is answered with ENOSYS, whatever its number', async () => {
    const script = 'for nr in 499 600 1000 65536 1073741823; do "$0" raw $nr; done';
    const { stdout, events } = await place.run(['--quiet'], ['/bin/sh', '-c', script, place.probe]);
    expect(stdout.trim().split('\n')).toEqual(new Array(5).fill('errno 38'));
    expect(denialsIn(events)).toEqual([]);
  });
});

const hostAddress = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

describe.skipIf(unavailable !== null)('INV-04 a refused connection', () => {
  it.skipIf(hostAddress === undefined)('without a network is one event', async () => {
    const { events } = await place.run(['--quiet'], [place.probe, 'tcp', hostAddress!, '9']);
    expect(denialsIn(events)).toMatchObject([
      {
        layer: 'egress',
        reason: 'network_off',
        count: 1,
        subject: { kind: 'connect', host: hostAddress, port: 9 },
      },
    ]);
  });

  it.skipIf(hostAddress === undefined)('past the proxy is one event', async () => {
    const { events } = await place.run(
      ['--quiet', '--allow', 'allowed.test'],
      [place.probe, 'tcp', hostAddress!, '9'],
    );
    expect(denialsIn(events)).toMatchObject([
      { layer: 'egress', reason: 'direct_connection', count: 1, subject: { via: 'direct', port: 9 } },
    ]);
  });

  it('by the proxy is one event', async () => {
    const { events } = await place.run(
      ['--quiet', '--allow', 'allowed.test'],
      [place.probe, 'by-name', '127.0.0.1', '9'],
    );
    expect(denialsIn(events)).toMatchObject([
      { layer: 'egress', reason: 'endpoint_not_listed', count: 1, subject: { host: '127.0.0.1', port: 9 } },
    ]);
  });
});

describe.skipIf(unavailable !== null)('the file of events', () => {
  const start = (file: string, umask = '022') =>
    place.onHost([
      '/bin/sh',
      '-c',
      `umask ${umask}; exec "$@"`,
      'sh',
      ...place.commandLine(['--events', file], ['/bin/true']),
    ]);

  it.each(['000', '022', '077'])('is readable by its owner alone under umask %s', async (umask) => {
    const file = join(place.scratch.path, `mode-${umask}`);
    expect(await start(file, umask)).toMatchObject({ code: 0 });
    expect((lstatSync(file).mode & 0o7777).toString(8)).toBe('600');
  });

  it('is never a symbolic link', async () => {
    const target = place.write('target', 'untouched\n');
    const link = join(place.project, 'link-to-target');
    symlinkSync(target, link);
    expect(await start(link)).toMatchObject({ code: 125 });
    expect(readFileSync(target, 'utf8')).toBe('untouched\n');
  });

  it('is never a link that leads nowhere', async () => {
    const link = join(place.project, 'link-to-nothing');
    symlinkSync(join(place.project, 'nothing'), link);
    expect(await start(link)).toMatchObject({ code: 125 });
  });

  it.each(['directory', 'fifo'])('is never a %s', async (kind) => {
    const path = join(place.project, kind);
    if (kind === 'directory') mkdirSync(path);
    else spawnSync('mkfifo', [path]);
    expect(await start(path)).toMatchObject({ code: 125 });
  });

  it('is appended to', async () => {
    const file = join(place.scratch.path, 'appended');
    await start(file);
    await start(file);
    expect(eventsIn(file).map(({ type }) => type)).toEqual(['start', 'exit', 'start', 'exit']);
  });

  it.skipIf(isRoot)('stops the run when it cannot be written', async () => {
    const file = place.write('unwritable', '');
    chmodSync(file, 0o400);
    expect(await start(file)).toMatchObject({ code: 125 });
    writeFileSync(join(place.project, 'still-there'), '');
  });
});

const NUMBERS: Readonly<Record<string, readonly [x86_64: number, aarch64: number]>> = { bpf: [321, 280] };
const callNumber = (name: keyof typeof NUMBERS): string =>
  String(NUMBERS[name]![HOST_ARCH === 'aarch64' ? 1 : 0]);
