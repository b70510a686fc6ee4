/** Files outside of what is listed, through every alias. */
import { attack, call, type Subject } from '../probe.ts';

/** Names, sizes and owners are no secret without a private root. */
const seen = { platform: { lacks: 'private root' } } as const;
const notThere = { errno: 'ENOENT', platform: { errno: 'EACCES' } } as const;

const read = (path: string): string => `grep -q "$WORD" ${path}`;

export const files: Subject = {
  title: 'Files that are not listed',
  safeAsRoot: true,
  probes: [
    attack('read', 'read a file that is not listed', 'control', read('"$SECRET"')),
    attack('read-dots', 'read it by a path with `..`', 'control', read('../outside/secret')),
    attack(
      'read-dots-inside',
      'read it by a path that leads in and out again',
      'control',
      read('.git/../../outside//./secret'),
    ),
    attack('read-proc-root', 'read it by /proc/self/root', 'control', read('"/proc/self/root$SECRET"')),
    attack(
      'read-thread-root',
      'read it by /proc/thread-self/root',
      'control',
      read('"/proc/thread-self/root$SECRET"'),
    ),
    attack(
      'read-task-root',
      'read it by /proc/PID/task/TID/root',
      'control',
      read('"/proc/$$/task/$$/root$SECRET"'),
    ),
    attack(
      'read-parent-root',
      'read it by the root of another process',
      'control',
      read('"/proc/$PPID/root$SECRET"'),
    ),
    attack(
      'read-init-root',
      'read it by the root of process 1',
      'userns-control',
      read('"/proc/$INIT/root$SECRET"'),
    ),
    attack('read-proc-cwd', 'read it by /proc/self/cwd', 'control', read('/proc/self/cwd/../outside/secret')),
    attack(
      'read-init-cwd',
      'read it by the working directory of process 1',
      'userns-control',
      read('/proc/$INIT/cwd/../outside/secret'),
    ),
    attack(
      'read-descriptor-directory',
      'read it by the descriptor of a directory',
      'control',
      `exec 3< .; ${read('/proc/self/fd/3/../outside/secret')}`,
    ),
    attack('read-dev-fd', 'read it by /dev/fd', 'control', `exec 3< ..; ${read('/dev/fd/3/outside/secret')}`),
    call(
      'climb',
      'climb "$PROJECT" "$SECRET"',
      'climb to it from a directory, past the root',
      'control',
      notThere,
    ),
    attack(
      'read-new-link',
      'read it by a symbolic link that it makes',
      'control',
      `ln -s "$SECRET" "l-$ID" && ${read('"l-$ID"')}`,
    ),
    attack(
      'read-new-directory-link',
      'read it by a link to its directory',
      'control',
      `ln -s "$OUT" "l-$ID" && ${read('"l-$ID/secret"')}`,
    ),
    attack('read-present-link', 'read it by a symbolic link that is there', 'control', read('link-out')),
    attack(
      'read-link-chain',
      'read it by links over /proc',
      'control',
      `ln -s /proc/self/cwd "a-$ID" && ln -s "a-$ID/../outside" "b-$ID" && ${read('"b-$ID/secret"')}`,
    ),
    attack(
      'hard-link',
      'bring it in by a hard link',
      'control',
      `ln "$SECRET" "h-$ID" && ${read('"h-$ID"')}`,
    ),
    attack('rename-in', 'bring it in by renaming', 'control', `mv "$SECRET" "m-$ID" && ${read('"m-$ID"')}`),
    attack('copy-in', 'copy it', 'control', `cp "$SECRET" "c-$ID"`),
    attack(
      'swap-race',
      'win the race between a directory and a link to the outside',
      'control',
      `mkdir "d-$ID" && echo x > "d-$ID/secret" && ln -s "$OUT" "l-$ID" && exec "$PROBE" swap-race "d-$ID" "l-$ID" secret "$WORD"`,
    ),
    attack('list', 'list the directory that holds it', 'control', 'ls "$OUT" | grep -q secret'),
    attack('exists', 'learn that it exists', 'control', '[ -e "$SECRET" ]', seen),
    attack('watch', 'watch its directory', 'control', 'exec "$PROBE" watch "$OUT"', {
      ...notThere,
    }),
    attack('create', 'make a file outside', 'control', 'echo x > "$OUT/new"'),
    attack('create-directory', 'make a directory outside', 'control', 'mkdir "$OUT/new"'),
    attack('append', 'append to a file outside', 'control', 'echo x >> "$OUT/file"'),
    attack(
      'append-by-link',
      'append to a file outside by a link',
      'control',
      'ln -s "$OUT" "l-$ID" && echo x >> "l-$ID/file"',
    ),
    call('truncate', 'truncate "$OUT/file"', 'truncate a file outside', 'control', notThere),
    attack('unlink', 'remove a file outside', 'control', 'rm "$OUT/file"'),
    attack('rename-out', 'move a file out', 'control', `echo x > "o-$ID" && mv "o-$ID" "$OUT/moved"`),
    call('mode', 'fchmodat "$OUT/file" 0777', 'change the mode of a file outside', 'control', notThere),
    call('owner', 'chown "$OUT/file"', 'change the owner of a file outside', 'control', notThere),
    call('times', 'change-times "$OUT/file"', 'change the times of a file outside', 'control', notThere),
    call('attribute', 'set-attribute "$OUT/file"', 'set an extended attribute of a file outside', 'control', {
      ...notThere,
      dependsOn: 'a file system with attributes',
    }),
    attack('execute', 'execute a program that is not listed', 'control', '"$OUT/true"'),
    attack(
      'execute-by-loader',
      'have the dynamic loader execute it',
      'control',
      'for loader in /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.*; do if [ -e "$loader" ]; then exec "$loader" "$OUT/true"; fi; done; exit 1',
    ),
    attack('home-key', "read a key in the caller's home", 'control', read('"$REALHOME/.ssh/id_test"')),
    attack(
      'home-start-up',
      'append to a start-up file of the shell in the home',
      'control',
      'grep -q ORIGINAL "$REALHOME/.bashrc" && echo x >> "$REALHOME/.bashrc"',
    ),
    attack('home-list', 'list the home', 'control', 'ls -a "$REALHOME" | grep -q .ssh'),
    attack('shared-tmp', 'see what others have in /tmp', 'control', '[ -e "$TMPFILE" ]', seen),
    attack('shared-memory-files', 'see what others have in /dev/shm', 'control', '[ -e "$SHMFILE" ]', seen),
    attack('shared-tmp-read', 'read what others have in /tmp', 'control', 'grep -q shared "$TMPFILE"'),
    attack(
      'shared-tmp-append',
      'append to what others have in /tmp',
      'control',
      '[ -e "$TMPFILE" ] && echo x >> "$TMPFILE"',
    ),
    attack('shared-memory-read', 'read what others have in /dev/shm', 'control', 'grep -q shared "$SHMFILE"'),
    attack('sys', 'see /sys', 'control', '[ -d /sys/kernel ]', seen),
    attack('sys-read', 'read a file of /sys', 'control', 'cat /sys/kernel/uevent_seqnum', {
      dependsOn: 'what is built into the kernel',
    }),
    attack('run', 'see /run, where the sockets of the system are', 'control', '[ -d /run ]', seen),
    attack('run-list', 'list /run', 'control', 'ls /run | grep -q .', {
      dependsOn: 'a host that is no container',
    }),
    attack('block-devices', 'see a block device', 'control', 'find /dev -type b | grep -q .', {
      dependsOn: 'a host with disks',
    }),
    attack('kernel-messages', 'see /dev/kmsg', 'control', '[ -e /dev/kmsg ]', {
      ...seen,
      dependsOn: 'a host that is no container',
    }),
    attack(
      'sys-net',
      'change a setting of its network namespace in /proc/sys',
      'userns-control',
      'echo 1 > /proc/sys/net/ipv4/ip_forward',
    ),
    attack(
      'sys-user',
      'change a limit of its user namespace in /proc/sys',
      'userns-control',
      'echo 10 > /proc/sys/user/max_user_namespaces',
    ),
    attack(
      'sys-user-inotify',
      'raise the number of its inotify instances in /proc/sys',
      'userns-control',
      'echo 100000 > /proc/sys/user/max_inotify_instances',
    ),
    attack('host-name', 'learn the name of the host', 'control', '[ "$(uname -n)" = "$HOSTNAME_OUTSIDE" ]', {
      platform: { lacks: 'UTS namespace' },
      dependsOn: 'a host that is no container',
    }),
  ],
};
