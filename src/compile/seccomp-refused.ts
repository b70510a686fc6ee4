/**
 * System calls that are refused whatever their arguments are: with EPERM, by the warden, so that each is an event. What
 * a relaxation of the policy (`process.seccomp.allow`) opens stands beside them.
 */
import type { SyscallName } from '../kernel/syscalls.ts';
import type { Relaxation } from '../policy/policy.ts';
import type { SeccompRuleName } from './seccomp-rules.ts';

export interface Refused {
  readonly rule: SeccompRuleName;
  readonly calls: readonly SyscallName[];
  /** The relaxation under which all of them are allowed. */
  readonly relaxedBy?: Relaxation;
}

export const REFUSED: readonly Refused[] = [
  {
    rule: 'ptrace',
    calls: ['ptrace', 'process_vm_readv', 'process_vm_writev', 'kcmp'],
    relaxedBy: 'ptrace_own',
  },
  { rule: 'pidfd', calls: ['pidfd_open', 'pidfd_send_signal'], relaxedBy: 'pidfd' },
  { rule: 'pidfd_getfd', calls: ['pidfd_getfd'] },
  { rule: 'other_process', calls: ['process_madvise', 'process_mrelease'] },
  { rule: 'namespaces', calls: ['setns'] },
  {
    rule: 'mount',
    calls: [
      'mount',
      'umount2',
      'pivot_root',
      'chroot',
      'fsopen',
      'fsconfig',
      'fsmount',
      'fspick',
      'move_mount',
      'open_tree',
      'open_tree_attr',
      'mount_setattr',
    ],
  },
  {
    rule: 'io_uring',
    calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
    relaxedBy: 'io_uring',
  },
  { rule: 'keyring', calls: ['add_key', 'keyctl', 'request_key'], relaxedBy: 'keyring' },
  { rule: 'userfaultfd', calls: ['userfaultfd'], relaxedBy: 'userfaultfd' },
  { rule: 'memfd_secret', calls: ['memfd_secret'] },
  { rule: 'bpf', calls: ['bpf'] },
  { rule: 'perf_events', calls: ['perf_event_open', 'lookup_dcookie'] },
  { rule: 'kexec', calls: ['kexec_load', 'kexec_file_load'] },
  { rule: 'reboot', calls: ['reboot'] },
  { rule: 'kernel_modules', calls: ['init_module', 'finit_module', 'delete_module'] },
  { rule: 'file_handle', calls: ['open_by_handle_at'] },
  { rule: 'fanotify', calls: ['fanotify_init', 'fanotify_mark'] },
  { rule: 'quota', calls: ['quotactl', 'quotactl_fd'] },
  { rule: 'accounting', calls: ['acct'] },
  { rule: 'swap', calls: ['swapon', 'swapoff'] },
  { rule: 'kernel_log', calls: ['syslog'] },
  { rule: 'clock', calls: ['adjtimex', 'clock_adjtime', 'clock_settime', 'settimeofday'] },
  { rule: 'hostname', calls: ['sethostname', 'setdomainname'] },
  { rule: 'io_ports', calls: ['ioperm', 'iopl'] },
  { rule: 'security_label', calls: ['lsm_set_self_attr'] },
  { rule: 'segments', calls: ['modify_ldt'] },
  { rule: 'terminal_setup', calls: ['vhangup'] },
];

/** Calls that the filter answers with ENOSYS, since it cannot read what they would do: their flags lie in memory. */
export const HIDDEN_FLAGS: readonly SyscallName[] = ['clone3', 'openat2'];
