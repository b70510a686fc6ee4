/** A directory that is listed read-only: no way to change anything in it. */
import { attack, call, type Subject } from '../probe.ts';

/** What a mount that cannot be written answers, and what Landlock does. */
const refused = { errno: 'EROFS', platform: { errno: 'EACCES' } } as const;

export const readOnly: Subject = {
  title: 'Files that are listed read-only',
  safeAsRoot: true,
  probes: [
    attack('ro-append', 'append to a read-only file', 'control', 'echo x >> "$READONLY/file"'),
    attack(
      'ro-append-proc-root',
      'append by /proc/self/root',
      'control',
      'echo x >> "/proc/self/root$READONLY/file"',
    ),
    attack(
      'ro-append-descriptor',
      'append by the descriptor of the directory',
      'control',
      'exec 3< "$READONLY"; echo x >> /proc/self/fd/3/file',
    ),
    attack(
      'ro-append-link',
      'append by a symbolic link',
      'control',
      'ln -s "$READONLY" "l-$ID" && echo x >> "l-$ID/file"',
    ),
    call(
      'ro-reopen',
      'reopen "$READONLY/file"',
      'open a descriptor for reading again, for writing',
      'control',
      refused,
    ),
    call('ro-truncate', 'truncate "$READONLY/file"', 'truncate it', 'control', refused),
    call(
      'ro-open-truncate',
      'open-truncate "$READONLY/file"',
      'truncate it while opening it for reading',
      'control',
      refused,
    ),
    call('ro-mapping', 'write-mapping "$READONLY/file"', 'write to a mapping of it', 'control', refused),
    attack('ro-create', 'make a file there', 'control', 'echo x > "$READONLY/new"'),
    call('ro-nameless', 'nameless-file "$READONLY"', 'make a file without a name there', 'control', refused),
    attack('ro-mkdir', 'make a directory there', 'control', 'mkdir "$READONLY/new"'),
    attack('ro-symlink', 'make a symbolic link there', 'control', 'ln -s x "$READONLY/new"'),
    attack('ro-fifo', 'make a pipe there', 'control', 'mkfifo "$READONLY/new"'),
    call('ro-socket', 'bind-path "$READONLY/new"', 'bind a socket there', 'control', refused),
    attack('ro-unlink', 'remove a file there', 'control', 'rm -f "$READONLY/file"'),
    attack('ro-rmdir', 'remove a directory there', 'control', 'rmdir "$READONLY/empty"'),
    attack('ro-rename-in', 'move a file there', 'control', 'echo x > "n-$ID" && mv "n-$ID" "$READONLY/new"'),
    attack('ro-rename-out', 'move a file away', 'control', 'mv "$READONLY/file" "m-$ID"'),
    attack('ro-rename-within', 'rename a file there', 'control', 'mv "$READONLY/file" "$READONLY/other"'),
    call(
      'ro-exchange',
      'exchange "$READONLY/file" "$READONLY/sub"',
      'exchange two names there',
      'control',
      refused,
    ),
    attack('ro-rename-parent', 'rename the directory itself', 'control', 'mv "$READONLY" "$READONLY-moved"'),
    attack(
      'ro-hard-link',
      'write by a hard link outside of it',
      'control',
      'ln "$READONLY/file" "h-$ID" && echo x >> "h-$ID"',
    ),
    call(
      'ro-link-descriptor',
      'link-descriptor "$READONLY/file" "h-$ID"',
      'link a descriptor of it to a writable place',
      'control',
      { errno: 'EXDEV' },
    ),
    call('ro-mode', 'fchmodat "$READONLY/file" 0777', 'change its mode', 'control', refused),
    call('ro-owner', 'chown "$READONLY/file"', 'change its owner', 'control', refused),
    call('ro-times', 'change-times "$READONLY/file"', 'change its times', 'control', refused),
    call('ro-attribute', 'set-attribute "$READONLY/file"', 'set an extended attribute', 'control', refused),
    call(
      'ro-mode-descriptor',
      'fchmod "$READONLY/file" 0777',
      'change its mode by a descriptor',
      'control',
      refused,
    ),
    call('ro-flags', 'change-flags "$READONLY/file"', 'change its flags (FS_IOC_SETFLAGS)', 'control', {
      ...refused,
      dependsOn: 'a file system with flags',
    }),
    call('ro-remount', 'remount-writable "$READONLY"', 'make the mount writable', 'userns-control'),
    call('ro-unmount', 'umount2 "$READONLY"', 'take the mount away', 'userns-control'),
  ],
};
