/** Other processes: those outside, process 1 inside (which is ours), and neighbours in the same sandbox. */
import { attack, call, type Subject } from '../probe.ts';

const init = (id: string, what: string, script: string) =>
  attack(`init-${id}`, what, 'userns-control', script);

export const processes: Subject = {
  title: 'Processes',
  safeAsRoot: false,
  probes: [
    call('ptrace-traceme', 'trace-me', 'be traced', 'control'),
    call('ptrace-seize', 'trace-child', 'trace a child of its own', 'control', {
      dependsOn: 'kernel.yama.ptrace_scope',
    }),
    call('process-vm-readv', 'process-vm-readv', 'read the memory of a child', 'control', {
      dependsOn: 'kernel.yama.ptrace_scope',
    }),
    call('process-vm-writev', 'process-vm-writev', 'write the memory of a child', 'control', {
      dependsOn: 'kernel.yama.ptrace_scope',
    }),
    call('kcmp', 'kcmp', 'compare what two processes share', 'control', { dependsOn: 'a kernel with kcmp' }),
    call('pidfd-open', 'pidfd-open', 'call pidfd_open', 'control'),
    call('pidfd-send-signal', 'pidfd-send-signal', 'call pidfd_send_signal', 'control'),
    call('pidfd-getfd', 'pidfd-getfd', 'take a descriptor of another process', 'control', {
      dependsOn: 'kernel.yama.ptrace_scope',
    }),
    call('process-madvise', 'process-madvise', 'call process_madvise', 'control', {
      dependsOn: 'Linux 6.13',
    }),
    call('process-mrelease', 'process-mrelease', 'call process_mrelease', 'marker'),
    call('prlimit', 'prlimit parent', 'set a limit of another process', 'control'),
    call(
      'sched-setaffinity',
      'sched-setaffinity parent',
      'choose the processors of another process',
      'control',
    ),
    call(
      'sched-setscheduler',
      'sched-setscheduler parent',
      'choose the scheduler of another process',
      'control',
    ),
    call(
      'sched-setparam',
      'sched-setparam parent',
      'set scheduling parameters of another process',
      'control',
    ),
    call('sched-setattr', 'sched-setattr parent', 'set scheduling attributes of another process', 'control'),
    call(
      'setpriority-process',
      'setpriority-process parent',
      'set the priority of another process',
      'control',
    ),
    call('setpriority-group', 'setpriority-group parent', 'set the priority of a process group', 'control'),
    call('setpriority-user', 'setpriority-user', 'set the priority of every process of the user', 'control'),
    call('ioprio-set-process', 'ioprio-set 1 parent', 'set the I/O priority of another process', 'control'),
    call('ioprio-set-group', 'ioprio-set 2 parent', 'set the I/O priority of a process group', 'control'),
    call(
      'ioprio-set-user',
      'ioprio-set 3 parent',
      'set the I/O priority of every process of the user',
      'control',
    ),
    call('migrate-pages', 'migrate-pages parent', 'move the pages of another process', 'control', {
      dependsOn: 'a kernel with NUMA',
    }),
    call('move-pages', 'move-pages parent', 'place the pages of another process', 'control', {
      dependsOn: 'a kernel with NUMA',
    }),
    call('kill-outside', 'kill "$VICTIM"', 'signal a process outside', 'control', {
      errno: 'ESRCH',
      platform: { errno: 'EPERM' },
    }),
    call('tkill-outside', 'tkill "$VICTIM"', 'signal a thread outside', 'control', {
      errno: 'ESRCH',
      platform: { errno: 'EPERM' },
    }),
    call('sigqueue-outside', 'sigqueue "$VICTIM"', 'queue a signal to a process outside', 'control', {
      errno: 'ESRCH',
      platform: { errno: 'EPERM' },
    }),
    call(
      'signal-owner-outside',
      'signal-owner "$VICTIM"',
      'have the kernel signal a process outside (F_SETOWN)',
      'control',
      { errno: 'ESRCH', platform: { errno: 'EPERM' } },
    ),
    call('prlimit-outside', 'prlimit "$VICTIM"', 'set a limit of a process outside', 'control'),
    attack('see-outside', 'see a process outside', 'control', '[ -d "/proc/$VICTIM" ]', {
      platform: { lacks: 'pid namespace' },
    }),
    attack(
      'memory-outside',
      'read the memory of a process outside',
      'control',
      'exec 3< "/proc/$VICTIM/mem"',
      { dependsOn: 'kernel.yama.ptrace_scope' },
    ),
    attack(
      'environment-outside',
      'read the environment of a process outside',
      'control',
      'cat "/proc/$VICTIM/environ" > /dev/null',
    ),
    attack(
      'descriptors-outside',
      'list the descriptors of a process outside',
      'control',
      'ls "/proc/$VICTIM/fd" > /dev/null',
      { platform: { lacks: 'pid namespace' } },
    ),
    attack(
      'open-descriptor-outside',
      'open a descriptor of a process outside',
      'control',
      'exec 3< "/proc/$VICTIM/fd/1"',
    ),
    attack(
      'read-descriptor-outside',
      'learn what a descriptor of a process outside is',
      'control',
      'readlink "/proc/$VICTIM/fd/1"',
    ),
    attack(
      'root-outside',
      'look into the root of a process outside',
      'control',
      'ls "/proc/$VICTIM/root/" > /dev/null',
    ),
    attack(
      'oom-outside',
      'choose a process outside as the one to be killed when memory is short',
      'control',
      'echo 900 > "/proc/$VICTIM/oom_score_adj"',
    ),
    init('memory', 'open the memory of process 1', 'exec 3< /proc/$INIT/mem'),
    init('environment', 'read the environment of process 1', 'cat /proc/$INIT/environ > /dev/null'),
    init('maps', 'read the memory map of process 1', 'cat /proc/$INIT/maps > /dev/null'),
    init('auxiliary-vector', 'read the auxiliary vector of process 1', 'cat /proc/$INIT/auxv > /dev/null'),
    init('stack', 'see where in the kernel process 1 is', 'cat /proc/$INIT/syscall > /dev/null'),
    init('descriptors', 'list the descriptors of process 1', 'ls /proc/$INIT/fd > /dev/null'),
    init('open-descriptor', 'open a descriptor of process 1', 'exec 3< /proc/$INIT/fd/0'),
    init('root', 'look into the root of process 1', 'ls /proc/$INIT/root/ > /dev/null'),
    init('directory', 'look into the working directory of process 1', 'ls /proc/$INIT/cwd/ > /dev/null'),
    init('executable', 'open the executable of process 1', 'exec 3< /proc/$INIT/exe'),
    init('namespaces', 'look at the namespaces of process 1', 'readlink /proc/$INIT/ns/user > /dev/null'),
    init(
      'oom',
      'choose process 1 as the one to be killed when memory is short',
      'echo 900 > /proc/$INIT/oom_score_adj',
    ),
    init('clear-refs', 'write to a file of process 1 in /proc', 'echo 1 > /proc/$INIT/clear_refs'),
    init('timer-slack', 'change the timers of process 1', 'echo 1 > /proc/$INIT/timerslack_ns'),
    attack(
      'init-prlimit',
      'set a limit of process 1',
      'userns-control',
      '"$PROBE" prlimit "$INIT"; exit $?',
      {
        errno: 'EPERM',
      },
    ),
    attack(
      'init-sched',
      'choose the processors of process 1',
      'userns-control',
      '"$PROBE" sched-setaffinity "$INIT"; exit $?',
      { errno: 'EPERM' },
    ),
    attack(
      'init-priority',
      'set the priority of process 1',
      'userns-control',
      '"$PROBE" setpriority-process "$INIT"; exit $?',
      { errno: 'EPERM' },
    ),
    attack(
      'set-user-id',
      'become root by a set-user-id program',
      'control',
      'for program in /usr/bin/su /bin/su /usr/bin/passwd; do if [ -u "$program" ]; then exec "$PROBE" run-set-user-id "$program"; fi; done; exit 1',
      { errno: 'EPERM' },
    ),
    call(
      'shared-memory',
      'shared-memory "$IPC_KEY"',
      'attach System V shared memory of a process outside',
      'control',
      { errno: 'ENOENT', platform: { errno: 'EPERM' } },
    ),
    call('semaphore', 'semaphore "$IPC_KEY"', 'use a System V semaphore of a process outside', 'control', {
      errno: 'ENOENT',
      platform: { errno: 'EPERM' },
    }),
    call(
      'message-queue',
      'message-queue "$IPC_QUEUE"',
      'open a POSIX message queue of a process outside',
      'control',
      { errno: 'ENOENT', platform: { errno: 'EPERM' } },
    ),
  ],
};
