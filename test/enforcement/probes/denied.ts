/** `filesystem_policy.deny`: places inside a writable directory that are not to be seen. */
import { attack, call, lacking, type Subject } from '../probe.ts';

const read = (path: string): string => `grep -q "$WORD" ${path}`;

export const denied: Subject = {
  title: 'Files that the policy denies',
  safeAsRoot: true,
  probes: [
    ...lacking('private root', [
      attack('denied-file', 'read a denied file', 'control', read('denied-file')),
      attack('denied-directory', 'read a file in a denied directory', 'control', read('denied/secret')),
      attack(
        'denied-nested',
        'read a file in a denied directory of a directory',
        'control',
        read('nested/hidden/secret'),
      ),
      attack('denied-list', 'list a denied directory', 'control', 'ls denied | grep -q secret'),
      attack(
        'denied-spelling',
        'read it by another spelling',
        'control',
        read('.//denied/../denied///secret'),
      ),
      attack(
        'denied-proc-root',
        'read it by /proc/self/root',
        'control',
        read('"/proc/self/root$PROJECT/denied/secret"'),
      ),
      attack('denied-proc-cwd', 'read it by /proc/self/cwd', 'control', read('/proc/self/cwd/denied/secret')),
      attack(
        'denied-descriptor',
        'read it by the descriptor of a directory',
        'control',
        `exec 3< .; ${read('/proc/self/fd/3/denied/secret')}`,
      ),
      attack(
        'denied-link',
        'read it by a symbolic link',
        'control',
        `ln -s denied "l-$ID" && ${read('"l-$ID/secret"')}`,
      ),
      attack(
        'denied-hard-link',
        'read it by a hard link',
        'control',
        `ln denied-file "h-$ID" && ${read('"h-$ID"')}`,
      ),
      attack(
        'denied-rename',
        'read it after moving it',
        'control',
        `mv denied-file "m-$ID" && ${read('"m-$ID"')}`,
      ),
      attack(
        'denied-rename-directory',
        'read it after moving its directory',
        'control',
        `mv denied "m-$ID" && ${read('"m-$ID/secret"')}`,
      ),
      attack(
        'denied-rename-parent',
        'read it after moving a directory above',
        'control',
        `mv nested "m-$ID" && ${read('"m-$ID/hidden/secret"')}`,
      ),
      call('denied-exchange', 'exchange denied kept', 'exchange it with another directory', 'control', {
        errno: 'EBUSY',
      }),
      attack(
        'denied-mode',
        'open the mask by changing its mode',
        'control',
        'chmod 0755 denied && ls denied | grep -q secret',
      ),
      attack(
        'denied-mode-file',
        'open the mask of a file by changing its mode',
        'control',
        `chmod 0644 denied-file && ${read('denied-file')}`,
      ),
      attack('denied-unlink', 'remove the mask', 'control', 'rm -f denied-file'),
      attack('denied-write', 'write into it', 'control', 'echo x >> denied/secret'),
    ]),
    call('denied-unmount', 'umount2 "$PROJECT/denied"', 'unmount the mask', 'userns-control'),
    call('denied-bind', 'bind-mount "$PROJECT" "$MNT"', 'mount its parent somewhere else', 'userns-control'),
  ],
};
