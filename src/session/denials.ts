/** What the warden refused, as events: numbers from the warden, names from the plan and the kernel tables. */
import type { Draft, ProcessReference } from '../event/event.ts';
import { type Arch, AUDIT_ARCH } from '../kernel/arch.ts';
import { errnoName } from '../kernel/errno.ts';
import { printArguments } from '../kernel/print-call.ts';
import { syscallName } from '../kernel/syscalls.ts';
import type { Report, ReportedProcess } from '../launch/reports.ts';
import type { Plan } from '../plan/plan.ts';

export function syscallDenial(report: Extract<Report, { kind: 'denied' }>, plan: Plan): Draft {
  const rule = plan.seccomp.rules[report.rule];
  const arch = archOf(report.auditArch);
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
    process: referenceOf(report.process),
    count: report.count,
  };
}

/** Abstract names are shown as ss(8) and others show them, with `@` for the NUL that they begin with. */
export function unixDenial({ path, process }: Extract<Report, { kind: 'unix' }>): Draft {
  return {
    type: 'denial',
    layer: 'unix',
    action: 'deny',
    reason: 'unix_socket_not_listed',
    rule: null,
    subject: { kind: 'unix', path: path.startsWith('\0') ? `@${path.slice(1)}` : path },
    process: referenceOf(process),
    count: 1,
  };
}

function referenceOf({ pid, executables }: ReportedProcess): ProcessReference {
  const [own, ...ancestors] = executables;
  return { pid, exe: own?.path ?? '', sha256: null, ancestors: ancestors.map(({ path }) => path) };
}

function archOf(value: number): Arch | null {
  const found = Object.entries(AUDIT_ARCH).find(([, audit]) => audit === value);
  return (found?.[0] as Arch | undefined) ?? null;
}
