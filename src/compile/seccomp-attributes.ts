/**
 * Modes, owners, times, extended attributes and flags of files, and watches on them. Landlock has no right for any of these,
 * so where nothing else holds files the warden judges each call by the rows of the plan (launcher/attributes.c).
 */
import { equal, maskedEqual, type Place } from '../bpf/condition.ts';
import { IOCTL } from '../kernel/constants.ts';
import { ERRNOS } from '../kernel/errno.ts';
import type { SyscallName } from '../kernel/syscalls.ts';
import {
  ALLOWED_CALL,
  answer,
  type Clause,
  mediate,
  refuse,
  type SeccompInput,
  type Treatment,
} from './seccomp-clause.ts';

/** Whether the warden holds what Landlock does not; without any Landlock nothing of files is held. */
export const holdsAttributes = ({ tier, landlockAbi }: SeccompInput): boolean =>
  tier === 'platform' && landlockAbi > 0;

/** Made by the warden, on a file that may be written. */
export const ATTRIBUTES_HELD = mediate('attributes', ERRNOS.EACCES, 'attributes');

/** Those that set a mode have a condition of their own (seccomp-files.ts). */
const CHANGES: readonly SyscallName[] = [
  'utimensat',
  'utime',
  'utimes',
  'futimesat',
  'chown',
  'fchown',
  'lchown',
  'fchownat',
  'setxattr',
  'lsetxattr',
  'fsetxattr',
  'removexattr',
  'lremovexattr',
  'fremovexattr',
];

/** So new that whoever makes one knows the older call too (Linux 6.13 and 6.17). */
const NEWER: readonly SyscallName[] = ['setxattrat', 'removexattrat', 'file_setattr'];

export function attributeTreatments(input: SeccompInput): readonly Treatment[] {
  if (!holdsAttributes(input)) return [];
  return [
    ...CHANGES.map((call): Treatment => ({ call, clauses: [], otherwise: ATTRIBUTES_HELD })),
    ...NEWER.map(
      (call): Treatment => ({ call, clauses: [], otherwise: answer(ERRNOS.ENOSYS, 'unknown_syscall') }),
    ),
    { call: 'inotify_add_watch', clauses: [], otherwise: mediate('watch', ERRNOS.EACCES, 'watching') },
  ];
}

const REQUEST_REFUSED = refuse(ERRNOS.EACCES, 'file_requests');
/** _IOC_TYPE of every request of btrfs; copies without copying are among them, whatever the file system. */
const BTRFS_REQUESTS = 0x9400;
const TYPE_BITS = 0xff00;

/** Requests that change a file, or what is in a directory, by a descriptor that was opened for reading. */
export function attributeRequests(op: Place, input: SeccompInput): readonly Clause[] {
  if (!holdsAttributes(input)) return [];
  const about = (request: number, verdict: Clause['verdict']): Clause => ({
    when: [equal(op, request)],
    verdict,
  });
  return [
    about(IOCTL.FS_IOC_SETFLAGS, ATTRIBUTES_HELD),
    about(IOCTL.FS_IOC_FSSETXATTR, ATTRIBUTES_HELD),
    about(IOCTL.FS_IOC_SETVERSION, REQUEST_REFUSED),
    about(IOCTL.FS_IOC_ENABLE_VERITY, REQUEST_REFUSED),
    about(IOCTL.FS_IOC_SET_ENCRYPTION_POLICY, REQUEST_REFUSED),
    about(IOCTL.FAT_IOCTL_SET_ATTRIBUTES, REQUEST_REFUSED),
    about(IOCTL.FICLONE, ALLOWED_CALL),
    about(IOCTL.FICLONERANGE, ALLOWED_CALL),
    about(IOCTL.FIDEDUPERANGE, ALLOWED_CALL),
    { when: [maskedEqual(op, TYPE_BITS, BTRFS_REQUESTS)], verdict: REQUEST_REFUSED },
  ];
}
