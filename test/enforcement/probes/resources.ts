/** Limits of the policy: 64 processes, 256 open files, 16 MiB in private directories; the defaults where none is given. */
import { attack, call, type Subject } from '../probe.ts';

const limited = { arena: 'limited' } as const;
/** Long enough to be counted. */
const HOLD_MS = 700;
const counted = { errno: 'EAGAIN', counted: true } as const;
/** Directories of the host's disk stand in for them elsewhere. */
const onDisk = { ...limited, platform: { lacks: 'private root' } } as const;

export const resources: Subject = {
  title: 'Resources',
  safeAsRoot: false,
  probes: [
    call('processes', `many-processes 600 ${HOLD_MS}`, 'have more than 512 processes', 'control', {
      ...counted,
      dependsOn: "the caller's own limit",
    }),
    call('threads', `many-threads 600 ${HOLD_MS}`, 'have more than 512 threads', 'control', {
      ...counted,
      dependsOn: "the caller's own limit",
    }),
    call(
      'processes-limited',
      `many-processes 80 ${HOLD_MS}`,
      'have more processes than the policy says',
      'control',
      {
        ...counted,
        ...limited,
      },
    ),
    call(
      'threads-limited',
      `many-threads 80 ${HOLD_MS}`,
      'have more threads than the policy says',
      'control',
      {
        ...counted,
        ...limited,
      },
    ),
    call(
      'processes-raise',
      `raise-processes 1000 600 ${HOLD_MS}`,
      'raise the limit of processes',
      'control',
      {
        counted: true,
        dependsOn: "the caller's own limit",
      },
    ),
    call('files-limited', 'many-files 300', 'have more open files than the policy says', 'control', {
      errno: 'EMFILE',
      ...limited,
    }),
    call('files-raise', 'raise-limit 7 300', 'raise the limit of open files', 'control', limited),
    call('core-raise', 'raise-limit 4 1000000', 'allow core files', 'control', {
      dependsOn: "the caller's own limit",
    }),
    attack(
      'disk-tmp',
      'fill /tmp beyond the limit of the policy',
      'control',
      'head -c 20000000 /dev/zero > "${TMPDIR:-/tmp}/openshell-probe-$PPID-$$"; code=$?; rm -f "${TMPDIR:-/tmp}/openshell-probe-$PPID-$$"; exit $code',
      onDisk,
    ),
    attack(
      'disk-home',
      'fill the home beyond the limit of the policy',
      'control',
      'head -c 20000000 /dev/zero > "$HOME/fill"; code=$?; rm -f "$HOME/fill"; exit $code',
      onDisk,
    ),
    attack(
      'disk-shm',
      'fill /dev/shm beyond the limit of the policy',
      'control',
      'head -c 20000000 /dev/zero > "/dev/shm/openshell-probe-$PPID-$$"; code=$?; rm -f "/dev/shm/openshell-probe-$PPID-$$"; exit $code',
      limited,
    ),
  ],
};
