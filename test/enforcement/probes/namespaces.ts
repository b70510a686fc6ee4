/** Mounts and namespaces. */
import { call, type Probe, type Subject } from '../probe.ts';

const FLAGS = {
  user: '0x10000000',
  mount: '0x20000',
  pid: '0x20000000',
  net: '0x40000000',
  uts: '0x4000000',
  ipc: '0x8000000',
  cgroup: '0x2000000',
} as const;

const made = (by: 'unshare' | 'clone'): Probe[] =>
  Object.entries(FLAGS).map(([name, flag]) =>
    call(
      `${by}-${name}`,
      `${by} ${flag}`,
      `make a ${name} namespace by ${by}`,
      name === 'user' ? 'control' : 'userns-control',
    ),
  );

export const namespaces: Subject = {
  title: 'Mounts and namespaces',
  safeAsRoot: false,
  probes: [
    ...made('unshare'),
    call('unshare-time', 'unshare 0x80', 'make a time namespace by unshare', 'userns-control'),
    ...made('clone'),
    call(
      'clone-user-high',
      'clone-high 0x10000000',
      'hide the flag of clone beside bits of the upper half',
      'control',
    ),
    call('setns-net', 'setns net 0x40000000', 'enter a network namespace', 'userns-control'),
    call('setns-mount', 'setns mnt 0x20000', 'enter a mount namespace', 'userns-control'),
    call('setns-uts', 'setns uts 0x4000000', 'enter a UTS namespace', 'userns-control'),
    call('setns-user', 'setns user 0x10000000', 'enter a user namespace', 'marker'),
    call(
      'thread-with-own-table',
      'thread-with-own-table',
      'start a thread with descriptors of its own',
      'control',
    ),
    call('unshare-table', 'unshare-table', 'give a thread descriptors of its own by unshare', 'control'),
    call(
      'close-range-unshare',
      'close-range-unshare',
      'give a thread descriptors of its own by close_range',
      'control',
    ),
    call('mount', 'mount "$MNT"', 'call mount', 'userns-control'),
    call('mount-proc', 'mount-proc "$MNT"', 'mount /proc anew', 'userns-control'),
    call('mount-bind', 'bind-mount / "$MNT"', 'bind the root somewhere else', 'userns-control'),
    call('mount-shared', 'make-shared', 'change the propagation of mounts', 'userns-control'),
    call('umount2', 'umount2 "$MNT"', 'call umount2', 'userns-control'),
    call('pivot-root', 'pivot-root "$MNT"', 'call pivot_root', 'userns-control'),
    call('chroot', 'chroot "$MNT"', 'call chroot', 'userns-control'),
    call('fsopen', 'fsopen', 'call fsopen', 'userns-control'),
    call('fsconfig', 'fsconfig', 'call fsconfig', 'userns-control'),
    call('fsmount', 'fsmount', 'call fsmount', 'userns-control'),
    call('fspick', 'fspick "$MNT"', 'call fspick', 'userns-control'),
    call('move-mount', 'move-mount "$MNT"', 'call move_mount', 'userns-control'),
    call('open-tree', 'open-tree "$MNT"', 'call open_tree', 'control'),
    call('open-tree-clone', 'open-tree-clone "$MNT"', 'copy a mount by open_tree', 'userns-control'),
    call('open-tree-attr', 'open-tree-attr "$MNT"', 'call open_tree_attr', 'userns-control', {
      dependsOn: 'Linux 6.15',
    }),
    call('mount-setattr', 'mount-setattr "$MNT"', 'call mount_setattr', 'userns-control'),
    call('add-address', 'add-address', 'add an address to the loopback interface', 'userns-control'),
    call('loopback-down', 'loopback-down', 'take the loopback interface down', 'userns-control'),
  ],
};
