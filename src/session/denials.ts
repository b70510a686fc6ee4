/** Refused system calls as events: numbers from the warden, names from the plan and the kernel tables. */
import type { Draft } from '../event/event.ts';
import { type Arch, AUDIT_ARCH } from '../kernel/arch.ts';
import { errnoName } from '../kernel/errno.ts';
import { printArguments } from '../kernel/print-call.ts';
import { syscallName } from '../kernel/syscalls.ts';
import type { Report } from '../launch/reports.ts';
import type { Plan } from '../plan/plan.ts';

export function syscallDenial(report: Extract<Report, { kind: 'denied' }>, plan: Plan): Draft {
  const rule = plan.seccomp.rules[report.rule];
  const arch = archOf(report.auditArch);
  const [own, ...ancestors] = report.process.executables;
  return {
    type: 'denial',
    layer: 'syscalls',
    action: 'deny',
    reason: 'syscall_not_allowed',
    rule: rule === undefined ? null : { policy: rule.name, index: null, line: rule.line },
    subject: {
      kind: 'syscall',
      name: (arch === null ? undefined : syscallName(arch, report.nr)) ?? `syscall ${report.nr}`,
      arch: arch ?? `0x${report.auditArch.toString(16)}`,
      args:
        arch === null
          ? report.args.map((arg) => `0x${arg.toString(16)}`)
          : printArguments(arch, report.nr, report.args),
      errno: errnoName(report.errno),
    },
    process: {
      pid: report.process.pid,
      exe: own?.path ?? '',
      sha256: null,
      ancestors: ancestors.map(({ path }) => path),
    },
    count: report.count,
  };
}

function archOf(value: number): Arch | null {
  const found = Object.entries(AUDIT_ARCH).find(([, audit]) => audit === value);
  return (found?.[0] as Arch | undefined) ?? null;
}
