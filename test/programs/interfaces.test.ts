import { beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { find, node, nodeOptions } from './support/host.ts';
import { inNamespaces, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const go = find('go');

const policies = {
  default: 'version: 1\n',
  deny: 'version: 1\nprocess: {netlink: deny}\n',
  enumerate: 'version: 1\nprocess: {netlink: enumerate}\n',
  route: 'version: 1\nprocess: {netlink: route}\n',
} as const;
type PolicyName = keyof typeof policies;

const policyFile = (name: PolicyName): string => scratch.policy(policies[name], `${name}.yaml`);

const run = (policy: PolicyName, command: readonly string[], override?: string) =>
  openshell(['run', ...nodeOptions, '--policy', policyFile(policy), '--', ...command], {
    ...here,
    env: override === undefined ? {} : { OPENSHELL_ALLOW_NETLINK_ENUMERATE: override },
  });

interface Asker {
  readonly what: string;
  readonly command: readonly string[] | null;
  /** What it prints for a sandbox with loopback alone. */
  readonly answer: RegExp;
  /** How it says that it may not ask: an error of its own, no crash. */
  readonly refusal: RegExp;
}

const askers: readonly Asker[] = [
  {
    what: 'os.networkInterfaces() of Node',
    command: [node, '-e', 'console.log(Object.keys(require("os").networkInterfaces()).join())'],
    answer: /^lo\n$/,
    refusal: /SystemError[\s\S]*uv_interface_addresses/,
  },
  {
    what: 'socket.if_nameindex() of Python',
    command:
      find('python3') === null ? null : ['python3', '-c', 'import socket; print(socket.if_nameindex())'],
    answer: /^\[\(1, 'lo'\)\]\n$/,
    refusal: /(PermissionError|OSError)/,
  },
  {
    what: 'net.Interfaces() of Go',
    command: go === null ? null : ['./interfaces'],
    answer: /^lo\n$/,
    refusal: /operation not permitted/,
  },
  {
    what: 'getifaddrs(3) of ip(8)',
    command: find('ip') === null ? null : ['ip', '-o', 'link'],
    answer: /^1: lo:/,
    refusal: /Operation not permitted/,
  },
];

beforeAll(async () => {
  if (go === null) return;
  scratch.write(
    'home/project/interfaces.go',
    `package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	list, err := net.Interfaces()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, one := range list {
		fmt.Println(one.Name)
	}
}
`,
  );
  // The compiler runs inside as well: it starts many processes and threads.
  const variables = [
    `GOCACHE=${scratch.project}/go-cache`,
    'GOFLAGS=-mod=mod',
    'GOTOOLCHAIN=local',
    'GO111MODULE=off',
    'CGO_ENABLED=0',
  ];
  const done = await openshell(
    [
      'run',
      ...variables.flatMap((one) => ['--env', one]),
      '--',
      go,
      'build',
      '-o',
      'interfaces',
      'interfaces.go',
    ],
    here,
  );
  if (done.code !== 0) throw new Error(`go does not build inside: ${done.stderr}`);
}, 240_000);

for (const { what, command, answer, refusal } of askers) {
  describe.skipIf(command === null)(
    `${what}${command === null ? ' (skipped: it is not installed)' : ''}`,
    () => {
      it.each(['default', 'enumerate', 'route'] as const)(
        'lists loopback under netlink: %s',
        async (policy) => {
          const done = await run(policy, command!);
          expect(done.code, done.stderr).toBe(0);
          // Without a network of its own it has the host's.
          expect(done.stdout).toMatch(inNamespaces ? answer : /\blo\b/);
        },
      );

      it('fails with an error of its own under netlink: deny', async () => {
        const done = await run('deny', command!);
        expect(done.code).toBeGreaterThan(0);
        expect(done.code).toBeLessThan(126);
        expect(done.stderr).toMatch(refusal);
        expect(done.stderr).toMatch(
          /openshell: refused: \S+ may not call socket \(netlink\): EPERM \(\S+:2\)/,
        );
      });

      it.each(['1', 'true', 'YES'])(
        'lists loopback again with OPENSHELL_ALLOW_NETLINK_ENUMERATE=%s',
        async (value) => {
          const done = await run('deny', command!, value);
          expect(done.code, done.stderr).toBe(0);
          // Without a network of its own it has the host's.
          expect(done.stdout).toMatch(inNamespaces ? answer : /\blo\b/);
        },
      );
    },
  );
}

describe('OPENSHELL_ALLOW_NETLINK_ENUMERATE', () => {
  async function planOf(policy: PolicyName, override?: string): Promise<Plan> {
    const done = await openshell(['plan', policyFile(policy), '--output', 'json'], {
      ...here,
      env: override === undefined ? {} : { OPENSHELL_ALLOW_NETLINK_ENUMERATE: override },
    });
    return JSON.parse(done.stdout) as Plan;
  }

  it('makes of `deny` exactly what `enumerate` is: the same filter, the same everything', async () => {
    const { policy: _one, seccomp: raised, ...rest } = await planOf('deny', 'yes');
    const { policy: _other, seccomp: asked, ...same } = await planOf('enumerate');
    expect(raised.program).toEqual(asked.program);
    expect(raised.notify).toEqual(asked.notify);
    expect(rest).toEqual(same);
    expect((await planOf('deny')).seccomp.program).not.toEqual(asked.program);
  });

  it.each(['default', 'enumerate', 'route'] as const)('changes nothing under %s', async (policy) => {
    expect(await planOf(policy, 'yes')).toEqual(await planOf(policy));
  });

  it.each(['0', 'no', 'false', '', 'on'])('changes nothing when it is %j', async (value) => {
    expect(await planOf('deny', value)).toEqual(await planOf('deny'));
  });

  it('is read from openshell’s own environment only: not from --env, nor from inside', async () => {
    const option = ['--env', 'OPENSHELL_ALLOW_NETLINK_ENUMERATE=yes'];
    const ask = 'require("os").networkInterfaces()';
    const done = await openshell(
      ['run', ...nodeOptions, '--policy', policyFile('deny'), ...option, '--', node, '-e', ask],
      here,
    );
    expect(done.code).toBe(1);
  });
});

describe.skipIf(find('python3') === null)('netlink beyond the list of interfaces', () => {
  const open = (family: number, protocol: number): string[] => [
    'python3',
    '-c',
    `import socket; socket.socket(${family}, socket.SOCK_RAW, ${protocol}); print("open")`,
  ];

  it.each([
    ['NETLINK_SOCK_DIAG', 4],
    ['NETLINK_NETFILTER', 12],
    ['NETLINK_KOBJECT_UEVENT', 15],
    ['NETLINK_GENERIC', 16],
    ['NETLINK_AUDIT', 9],
    ['NETLINK_CRYPTO', 21],
  ])('%s is refused under enumerate and under route', async (_name, protocol) => {
    for (const policy of ['enumerate', 'route'] as const)
      expect((await run(policy, open(16, protocol))).stdout, policy).toBe('');
  });

  it('no interface can be changed under enumerate', async () => {
    // RTM_NEWLINK: bring lo down.
    const change = `import socket, struct
s = socket.socket(16, socket.SOCK_RAW, 0)
body = struct.pack("BBHiII", 0, 0, 0, 1, 0, 1)
s.send(struct.pack("IHHII", 16 + len(body), 16, 5, 1, 0) + body)
print(struct.unpack("i", s.recv(4096)[16:20])[0])`;
    const done = await run('enumerate', ['python3', '-c', change]);
    expect(done.stdout).not.toBe('0\n');
  });
});
