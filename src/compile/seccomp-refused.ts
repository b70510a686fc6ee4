/**
 * System calls that are refused whatever their arguments are, by the rule that names them. They raise a notification,
 * so that each refusal is counted in an event, and get EPERM from the warden.
 */
import type { Relaxation } from '../policy/policy.ts';
import type { RuleName } from './seccomp-rules.ts';

interface RefusedCalls {
  readonly rule: RuleName;
  readonly calls: readonly string[];
  /** Allowed instead when the policy names this in process.seccomp.allow. */
  readonly unless?: Relaxation;
}

export const REFUSED_CALLS: readonly RefusedCalls[] = [
  { rule: 'memfd_secret', calls: ['memfd_secret'] },
  { rule: 'ptrace', calls: ['ptrace'], unless: 'ptrace_own' },
  { rule: 'process_memory', calls: ['process_vm_readv', 'process_vm_writev'], unless: 'ptrace_own' },
  { rule: 'process_memory', calls: ['process_madvise', 'process_mrelease'] },
  { rule: 'kcmp', calls: ['kcmp'], unless: 'ptrace_own' },
  { rule: 'bpf', calls: ['bpf'] },
  { rule: 'pidfd', calls: ['pidfd_open', 'pidfd_send_signal'], unless: 'pidfd' },
  { rule: 'pidfd_getfd', calls: ['pidfd_getfd'] },
  { rule: 'io_uring', calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'], unless: 'io_uring' },
  {
    rule: 'mount',
    calls: [
      'mount',
      'umount2',
      'pivot_root',
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
  { rule: 'chroot', calls: ['chroot'] },
  { rule: 'namespaces', calls: ['setns'] },
  { rule: 'userfaultfd', calls: ['userfaultfd'], unless: 'userfaultfd' },
  { rule: 'perf_events', calls: ['perf_event_open'] },
  { rule: 'keyring', calls: ['keyctl', 'add_key', 'request_key'], unless: 'keyring' },
  { rule: 'kexec', calls: ['kexec_load', 'kexec_file_load'] },
  { rule: 'kernel_modules', calls: ['init_module', 'finit_module', 'delete_module'] },
  { rule: 'file_handles', calls: ['open_by_handle_at'] },
  { rule: 'fanotify', calls: ['fanotify_init', 'fanotify_mark'] },
  { rule: 'quota', calls: ['quotactl', 'quotactl_fd'] },
  { rule: 'accounting', calls: ['acct'] },
  { rule: 'swap', calls: ['swapon', 'swapoff'] },
  { rule: 'reboot', calls: ['reboot'] },
  { rule: 'kernel_log', calls: ['syslog'] },
  // Whether adjtimex and clock_adjtime only read stands in memory, where a filter cannot look.
  { rule: 'system_clock', calls: ['settimeofday', 'clock_settime', 'clock_adjtime', 'adjtimex'] },
  { rule: 'port_io', calls: ['iopl', 'ioperm'] },
  { rule: 'descriptor_tables_x86', calls: ['modify_ldt'] },
  { rule: 'dcookie', calls: ['lookup_dcookie'] },
  { rule: 'hangup', calls: ['vhangup'] },
  { rule: 'hostname', calls: ['sethostname', 'setdomainname'] },
  { rule: 'security_label', calls: ['lsm_set_self_attr'] },
];

/**
 * Answered with ENOSYS without an event, as an older kernel would: C libraries fall back on their own. What they would
 * do stands in memory, where a filter cannot look: the flags of clone3, the mode of openat2.
 */
export const FALL_BACK_CALLS: readonly string[] = ['clone3', 'openat2'];

/**
 * Objects with names that no Landlock scope covers: in the platform tier they are shared with the whole host, in the
 * namespaces tier they live in a namespace of the sandbox.
 */
export const SHARED_NAME_CALLS: readonly RefusedCalls[] = [
  {
    rule: 'sysv_ipc',
    calls: [
      'shmget',
      'shmat',
      'shmctl',
      'semget',
      'semop',
      'semctl',
      'semtimedop',
      'msgget',
      'msgsnd',
      'msgrcv',
      'msgctl',
    ],
  },
  { rule: 'message_queues', calls: ['mq_open', 'mq_unlink'] },
];
