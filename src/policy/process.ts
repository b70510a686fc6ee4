/** The section `process`. */
import type { Read } from './fields.ts';
import { reportRepeated } from './file-path.ts';
import { type Issues, quoted } from './issues.ts';
import type { At, ProcessSection, Relaxation } from './policy.ts';
import type { PROCESS } from './schema.ts';

export const NO_PROCESS: ProcessSection = {
  runAsUser: null,
  runAsGroup: null,
  netlink: null,
  seccompAllow: [],
};

const MAX_ID = 4_294_967_294;

/** What each relaxation opens; clauses that follow "opens:". */
const OPENS: Readonly<Record<Relaxation, string>> = {
  memfd_exec: 'programs can run code from anonymous memory, which no path rule and no pinned hash sees',
  pidfd: 'a process can take over open files and connections of another one in the sandbox (pidfd_getfd)',
  io_uring: 'files and sockets can be used through io_uring, where the system call filter sees nothing of it',
  ptrace_own:
    'a program can control any other one in the sandbox, and reach the hosts that the other may reach',
  userfaultfd: 'page faults can be held from user space, which makes races in the kernel easier to win',
  keyring: 'keys in kernel keyrings that were inherited from outside can be read and changed',
  nested_filters:
    'a program can filter the system calls of its children, and make one seem to succeed that did not happen',
};

export function checkProcess(read: Read<typeof PROCESS>, issues: Issues): ProcessSection {
  const { fields } = read.value;
  const allow = fields.seccomp?.value.fields.allow?.value ?? [];
  reportRepeated(allow, (name) => name, issues);
  for (const relaxation of allow) {
    const message = `\`${relaxation.value}\` opens: ${OPENS[relaxation.value]}`;
    issues.report('relaxation', relaxation, message, 'Keep it only if the program fails without it.');
  }
  return {
    runAsUser: identity(fields.run_as_user, issues),
    runAsGroup: identity(fields.run_as_group, issues),
    netlink: fields.netlink === undefined ? null : { value: fields.netlink.value, span: fields.netlink.span },
    seccompAllow: allow.map(({ value, span }) => ({ value, span })),
  };
}

function identity(
  read: (At<string> & { readonly path: string }) | undefined,
  issues: Issues,
): At<string> | null {
  if (read === undefined) return null;
  const { value, span } = read;
  if (value === 'sandbox' || (/^[1-9][0-9]{0,9}$/.test(value) && Number(value) <= MAX_ID))
    return { value, span };
  const root = value === 'root' || value === '0';
  const message = `${quoted(value)} is neither \`sandbox\` nor a number from 1 to ${MAX_ID}`;
  issues.report(
    'invalid_identity',
    read,
    message,
    root ? 'Root is not available; omit the key to stay who you are.' : null,
  );
  return null;
}
