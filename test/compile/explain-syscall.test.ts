import { describe, expect, it } from 'vitest';
import { explainCall, explainSyscall } from '../../src/compile/explain-syscall.ts';
import { listSeccomp } from '../../src/compile/seccomp-listing.ts';
import { AUDIT_ARCH } from '../../src/kernel/arch.ts';
import { planOf, STANDARD } from './seccomp-plans.ts';

const plan = planOf(STANDARD);

describe('explainSyscall', () => {
  it.each([
    ['read(0)', { name: 'read', verdict: 'allow', errno: null, handler: null }],
    ['ptrace', { name: 'ptrace', verdict: 'deny', errno: 1, handler: 'refuse' }],
    ['connect(3)', { name: 'connect', verdict: 'mediated', errno: null, handler: 'connect' }],
    ['sched_setparam(9)', { name: 'sched_setparam', verdict: 'mediated', errno: 1, handler: 'own_thread' }],
    ['clone3(0)', { name: 'clone3', verdict: 'deny', errno: 38, handler: null }],
    ['prctl(PR_SET_DUMPABLE)', { name: 'prctl', verdict: 'mediated', errno: 0, handler: null }],
    ['syscall_700', { name: 'syscall_700', verdict: 'deny', errno: 38, handler: null }],
  ])('says of %s who decides and what the program gets', (call, expected) => {
    const explained = explainSyscall(plan, 'x86_64', call);
    expect(explained).toMatchObject({ ok: true, value: expected });
  });

  it('names the rule with its reason and line', () => {
    const input = { ...STANDARD, netlink: { mode: 'deny', line: 12 } } as const;
    const explained = explainSyscall(planOf(input), 'x86_64', 'socket(AF_NETLINK, SOCK_RAW, 0)');
    expect(explained).toMatchObject({
      ok: true,
      value: { rule: { name: 'netlink', line: 12, quiet: false } },
    });
  });

  it('passes the error of a call on that cannot be read', () => {
    expect(explainSyscall(plan, 'x86_64', 'socket(')).toMatchObject({ ok: false });
  });

  it('refuses a plan whose filter could not be loaded, and one whose filter is not ours', () => {
    const call = { arch: AUDIT_ARCH.x86_64, nr: 0, args: [] };
    expect(explainCall({ ...plan, program: [] }, 'x86_64', call)).toMatchObject({ ok: false });
    const kill = { ...plan, program: [{ code: 6, jt: 0, jf: 0, k: 0x8000_0000 }] };
    expect(explainCall(kill, 'x86_64', call)).toMatchObject({ ok: false });
  });

  it('refuses a call that no row is for, as the warden does', () => {
    const call = { arch: 0x4000_0003, nr: 1, args: [] };
    expect(explainCall({ ...plan, notify: [] }, 'x86_64', call)).toMatchObject({
      ok: true,
      value: { verdict: 'deny', errno: 1, rule: null },
    });
    expect(explainCall(plan, 'x86_64', call)).toMatchObject({
      ok: true,
      value: { rule: { name: 'foreign_abi' } },
    });
  });
});

describe('listSeccomp', () => {
  it('names calls, arguments and constants, and has one line per instruction', () => {
    const lines = listSeccomp(plan.program, 'x86_64');
    if (!lines.ok) throw new Error(lines.error);
    expect(lines.value).toHaveLength(plan.program.length);
    const text = lines.value.join('\n');
    for (const name of ['x86_64', 'x32 numbers', 'TIOCSTI', 'MSG_FASTOPEN', 'SO_REUSEADDR', 'TCP_NODELAY'])
      expect(text).toContain(name);
    expect(text).toMatch(/errno ENOSYS/);
    expect(text).toMatch(/ld {3}\[16\] +socket, socketpair: domain \(arg0\)/);
  });

  it('refuses what is no program', () => {
    expect(listSeccomp([{ code: 0x15, jt: 9, jf: 9, k: 0 }], 'x86_64')).toMatchObject({ ok: false });
  });
});
