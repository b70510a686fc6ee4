/** System calls that act on the kernel, on memory and on the filter: each one that the design names has its own. */
import { call, type Subject } from '../probe.ts';

const absent = { errno: 'ENOSYS' } as const;
const x86 = { arch: 'x86_64' } as const;

export const syscalls: Subject = {
  title: 'System calls',
  safeAsRoot: false,
  probes: [
    call('bpf', 'bpf', 'call bpf', 'marker', { dependsOn: 'kernel.unprivileged_bpf_disabled' }),
    call('io-uring-setup', 'io-uring-setup', 'call io_uring_setup', 'control', {
      dependsOn: 'kernel.io_uring_disabled',
    }),
    call('io-uring-enter', 'io-uring-enter', 'call io_uring_enter', 'control', {
      dependsOn: 'kernel.io_uring_disabled',
    }),
    call('io-uring-register', 'io-uring-register', 'call io_uring_register', 'control', {
      dependsOn: 'kernel.io_uring_disabled',
    }),
    call('userfaultfd', 'userfaultfd', 'call userfaultfd', 'control'),
    call('perf-event-open', 'perf-event-open', 'call perf_event_open', 'control', {
      dependsOn: 'kernel.perf_event_paranoid',
    }),
    call('lookup-dcookie', 'lookup-dcookie', 'call lookup_dcookie', 'marker'),
    call('keyctl', 'keyctl', 'call keyctl', 'control'),
    call('add-key', 'add-key', 'call add_key', 'control'),
    call('request-key', 'request-key', 'call request_key', 'control'),
    call('kexec-load', 'kexec-load', 'call kexec_load', 'marker'),
    call('kexec-file-load', 'kexec-file-load', 'call kexec_file_load', 'marker'),
    call('init-module', 'init-module', 'call init_module', 'marker'),
    call('finit-module', 'finit-module', 'call finit_module', 'marker'),
    call('delete-module', 'delete-module', 'call delete_module', 'marker'),
    call('reboot', 'reboot', 'call reboot', 'marker'),
    call('swapon', 'swapon', 'call swapon', 'marker'),
    call('swapoff', 'swapoff', 'call swapoff', 'marker'),
    call('acct', 'acct', 'call acct', 'marker'),
    call('quotactl', 'quotactl', 'call quotactl', 'control', { dependsOn: 'a kernel with quotas' }),
    call('quotactl-fd', 'quotactl-fd', 'call quotactl_fd', 'marker', { dependsOn: 'a kernel with quotas' }),
    call('syslog', 'syslog', 'call syslog', 'marker', { dependsOn: 'kernel.dmesg_restrict' }),
    call('adjtimex', 'adjtimex', 'call adjtimex', 'control'),
    call('clock-adjtime', 'clock-adjtime', 'call clock_adjtime', 'control'),
    call('clock-settime', 'clock-settime', 'call clock_settime', 'marker'),
    call('settimeofday', 'settimeofday', 'call settimeofday', 'marker'),
    call('sethostname', 'sethostname', 'call sethostname', 'userns-control'),
    call('setdomainname', 'setdomainname', 'call setdomainname', 'userns-control'),
    call('ioperm', 'ioperm', 'call ioperm', 'marker', {
      ...x86,
      dependsOn: 'a kernel with port permissions',
    }),
    call('iopl', 'iopl', 'call iopl', 'marker', { ...x86, dependsOn: 'a kernel with port permissions' }),
    call('modify-ldt', 'modify-ldt', 'call modify_ldt', 'control', {
      ...x86,
      dependsOn: 'a kernel with local descriptor tables',
    }),
    call('vhangup', 'vhangup', 'call vhangup', 'marker'),
    call('lsm-set-self-attr', 'lsm-set-self-attr', 'call lsm_set_self_attr', 'marker'),
    call('open-by-handle-at', 'open-by-handle "$MNT"', 'call open_by_handle_at', 'marker'),
    call('fanotify-init', 'fanotify-init', 'call fanotify_init', 'control'),
    call('fanotify-mark', 'fanotify-mark "$PROJECT"', 'call fanotify_mark', 'control'),
    call('memfd-create', 'memfd-create 0', 'call memfd_create without MFD_NOEXEC_SEAL', 'control'),
    call('memfd-create-exec', 'memfd-create 0x10', 'call memfd_create with MFD_EXEC', 'control'),
    call(
      'memfd-create-high',
      'memfd-create 0x800000000',
      'call it with MFD_NOEXEC_SEAL in the upper half only',
      'control',
    ),
    call('memfd-run', 'memfd-run', 'execute a program that lies in memory', 'control'),
    call('memfd-secret', 'memfd-secret', 'call memfd_secret', 'control', {
      dependsOn: 'a kernel with secretmem',
    }),
    call('fexecve', 'execveat-descriptor', 'execute a descriptor (execveat with AT_EMPTY_PATH)', 'control'),
    call('seccomp-filter', 'seccomp-filter', 'install a filter of its own', 'control'),
    call(
      'seccomp-filter-prctl',
      'seccomp-filter-by-prctl',
      'install a filter of its own by prctl',
      'control',
    ),
    call('seccomp-listener', 'seccomp-listener', 'install a filter with a listener', 'control'),
    call(
      'seccomp-listener-nested',
      'seccomp-listener',
      'install one with a listener where `nested_filters` is allowed',
      'control',
      { arena: 'nested' },
    ),
    call(
      'personality',
      'personality 0x400000',
      'weaken memory protection by personality (READ_IMPLIES_EXEC)',
      'control',
    ),
    call(
      'personality-layout',
      'personality 0x200000',
      'choose an old memory layout by personality (ADDR_COMPAT_LAYOUT)',
      'control',
    ),
    call('hide-memory', 'hide-memory', 'clear its dumpable flag', 'control'),
    call('change-image', 'change-image', 'call prctl(PR_SET_MM)', 'control', {
      dependsOn: 'a kernel with checkpoints',
    }),
    call('core-scheduling', 'core-scheduling', 'call prctl(PR_SCHED_CORE)', 'marker', {
      dependsOn: 'a kernel with core scheduling',
    }),
    call('prctl-unknown', 'prctl 5000', 'call prctl with an option that nobody knows', 'marker', {
      errno: 'EINVAL',
    }),
    call('openat2', 'openat2', 'call openat2, whose flags no filter can read', 'control', absent),
    call('clone3', 'clone3 0', 'call clone3, whose flags no filter can read', 'control', absent),
    call('clone3-user', 'clone3 0x10000000', 'make a user namespace by clone3', 'control', absent),
    call('statmount', 'statmount', 'call statmount', 'marker', absent),
    call('listmount', 'listmount', 'call listmount', 'control', { ...absent, dependsOn: 'Linux 6.8' }),
    call('unknown-number', 'raw 1000', 'call a number that no kernel has', 'marker', absent),
    call('x32', 'x32 39', 'call getpid under the x32 ABI', 'marker', {
      ...x86,
      dependsOn: 'a kernel with x32',
    }),
    call('x32-ptrace', 'x32 521', 'call ptrace under the x32 ABI', 'marker', {
      ...x86,
      dependsOn: 'a kernel with x32',
    }),
    call('int80', 'int80 20', 'call getpid by int 0x80', 'control', {
      ...x86,
      dependsOn: 'a kernel with 32-bit calls',
    }),
    call('int80-socket', 'int80 359', 'call socket by int 0x80', 'marker', {
      ...x86,
      dependsOn: 'a kernel with 32-bit calls',
    }),
    call('int80-unknown', 'int80 1000', 'call a number that no kernel has by int 0x80', 'marker', x86),
    call('setuid-chmod', 'fchmodat notes.txt 04755', 'set the set-user-id bit', 'control'),
    call('setuid-fchmod', 'fchmod notes.txt 04755', 'set it by fchmod', 'control'),
    call('setuid-fchmodat2', 'fchmodat2 notes.txt 04755', 'set it by fchmodat2', 'control', {
      dependsOn: 'Linux 6.6',
    }),
    call('setuid-openat', 'make-by-openat "s-$ID" 04755', 'make a file with it', 'control'),
    call('setuid-nameless', 'make-nameless . 04755', 'make a file with it that has no name yet', 'control'),
    call('setuid-mknodat', 'make-by-mknodat "s-$ID" 04755', 'make a file with it by mknodat', 'control'),
    call('setuid-open', 'make-by-open "s-$ID" 04755', 'make a file with it by open', 'control', x86),
    call('setuid-creat', 'make-by-creat "s-$ID" 04755', 'make a file with it by creat', 'control', x86),
    call('setuid-mknod', 'make-by-mknod "s-$ID" 04755', 'make a file with it by mknod', 'control', x86),
    call('setuid-old-chmod', 'chmod notes.txt 04755', 'set it by chmod', 'control', x86),
    call(
      'setuid-rewrite',
      'rewrite-set-user-id set-user-id',
      'write another program into a file that has it',
      'control',
      {
        open: 'a write to a shared mapping leaves the bit, so no directory that holds set-user-id programs should be writable',
      },
    ),
    call('setgid-chmod', 'fchmodat notes.txt 02755', 'set the set-group-id bit of a program', 'control'),
    call('setgid-directory', 'fchmodat . 02755', 'set the set-group-id bit of a directory', 'control'),
    call('setgid-openat', 'make-by-openat "g-$ID" 02755', 'make a file with the set-group-id bit', 'control'),
  ],
};
