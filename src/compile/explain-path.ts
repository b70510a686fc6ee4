/** Whether a plan lets the program read or write a path, and which row says so: files give no event, so this answers. */
import { cleanPath, liesIn } from '../base/path.ts';
import { fsRights } from '../kernel/landlock.ts';
import type { Mount, Origin, Plan } from '../plan/plan.ts';

export interface PathVerdict {
  readonly verdict: 'allow' | 'deny';
  /** The row of the private root that decides; null: nothing shows the path. */
  readonly mount: Mount | null;
  readonly origin: Origin | null;
  /** A sentence. */
  readonly why: string;
}

/** @param path as the program would resolve it: canonical where it exists on the host */
export function explainPath(plan: Plan, path: string, wanted: 'read' | 'write'): PathVerdict {
  const clean = cleanPath(path);
  if (plan.tier === 'platform') return explainByLandlock(plan, clean, wanted);
  let mount: Mount | null = null;
  for (const row of plan.mounts) {
    // Of two rows at one place the later lies on top of the earlier.
    if (
      row.kind !== 'symlink' &&
      liesIn(clean, row.target) &&
      (mount === null || row.target.length >= mount.target.length)
    )
      mount = row;
  }
  if (mount === null) {
    const parent = plan.mounts.some((row) => liesIn(row.target, clean));
    if (parent && wanted === 'read')
      return {
        verdict: 'allow',
        mount: null,
        origin: null,
        why: 'it is a directory of the private root that only holds what is shown',
      };
    return {
      verdict: 'deny',
      mount: null,
      origin: null,
      why: 'nothing shows it: inside the sandbox it does not exist',
    };
  }
  return { mount, origin: mount.origin, ...judge(mount, wanted) };
}

/** Without a private root the rows are all there is: each grants to what it names and all below. */
function explainByLandlock({ landlock }: Plan, path: string, wanted: 'read' | 'write'): PathVerdict {
  const right = fsRights([wanted === 'read' ? 'read_file' : 'write_file'], landlock.abi);
  const covering = landlock.rows.filter((row) => row.path.startsWith('/') && liesIn(path, row.path));
  const granting = covering.findLast(({ access }) => (access & right) !== 0);
  if (granting !== undefined)
    return {
      verdict: 'allow',
      mount: null,
      origin: granting.origin,
      why: `${granting.path} may be ${wanted === 'read' ? 'read' : 'written'}, as far as the file's own permissions go`,
    };
  const nearest = covering.at(-1);
  return {
    verdict: 'deny',
    mount: null,
    origin: nearest?.origin ?? null,
    why: nearest === undefined ? 'nothing lists it' : `${nearest.path} is granted for reading only`,
  };
}

function judge(mount: Mount, wanted: 'read' | 'write'): { verdict: 'allow' | 'deny'; why: string } {
  switch (mount.kind) {
    case 'bind': {
      if (wanted === 'read')
        return {
          verdict: 'allow',
          why: `${mount.target} is shown ${mount.writable ? 'writable' : 'read-only'}, as far as the file's own permissions go`,
        };
      if (mount.writable)
        return {
          verdict: 'allow',
          why: `${mount.target} is writable, as far as the file's own permissions go`,
        };
      return {
        verdict: 'deny',
        why:
          mount.origin.kind === 'protected'
            ? `${mount.target} is protected`
            : `${mount.target} is shown read-only`,
      };
    }
    case 'private':
      return mount.writable
        ? {
            verdict: 'allow',
            why: `${mount.target} is a private directory: it is empty at the start, and what is written there is gone at the end`,
          }
        : { verdict: 'deny', why: `${mount.target} is hidden by \`filesystem_policy.deny\`` };
    case 'file':
      if (mount.mode === 0)
        return { verdict: 'deny', why: `${mount.target} is hidden by \`filesystem_policy.deny\`` };
      return wanted === 'read'
        ? { verdict: 'allow', why: `${mount.target} is made by openshell` }
        : { verdict: 'deny', why: `${mount.target} is made by openshell and read-only` };
    case 'proc':
    case 'devpts':
      return wanted === 'read'
        ? { verdict: 'allow', why: `${mount.target} tells of the sandbox's own processes` }
        : {
            verdict: mount.kind === 'proc' ? 'deny' : 'allow',
            why:
              mount.kind === 'proc'
                ? 'Landlock lets nothing be written below /proc'
                : 'it is the terminal of the sandbox',
          };
    case 'symlink':
      return { verdict: 'allow', why: 'it is a link' };
  }
}
