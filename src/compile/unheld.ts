/** What a private root would hold and Landlock cannot: its rights are of whole directories, with all that is in them. */
import { liesIn } from '../base/path.ts';
import type { CompileProblem } from './input.ts';
import type { Protections } from './protections.ts';

export interface Unheld {
  readonly problems: readonly CompileProblem[];
  readonly warnings: readonly string[];
  /** Canonical paths that programs of the host trust and the workload may change. */
  readonly names: readonly string[];
}

export const HELD: Unheld = { problems: [], warnings: [], names: [] };

/** @param ownFiles openshell's own files, as they are named
    @param denied canonical paths that nobody inside may read */
export function unheld({ mounts, denied }: Protections, ownFiles: readonly string[]): Unheld {
  const problems: CompileProblem[] = [];
  const names: string[] = [];
  for (const mount of mounts) {
    // Directories on the way to another are there only so that they cannot be renamed away.
    if (mount.kind === 'bind' && mount.writable) continue;
    const { target, origin } = mount;
    if (origin.kind === 'policy') {
      problems.push({
        message: `${target} lies in a directory that the workload may use: the platform tier cannot hold \`deny\` or \`protect\` there`,
        hint: 'list the parts of that directory that are needed instead of the whole',
        line: origin.line,
      });
    } else if (denied.includes(target)) {
      problems.push({
        message: `the credential file ${target} lies in a directory that the workload may read, and the platform tier cannot hide it there`,
        hint: 'keep it elsewhere, or give the credential as `env:VAR` or `fd:N`',
        line: null,
      });
    } else if (ownFiles.some((own) => own === target || liesIn(own, target) || liesIn(target, own))) {
      problems.push({
        message: `openshell's own ${target} lies in a directory that the workload may write, and the platform tier cannot hold it there`,
        hint: 'keep policy, event and environment files, and openshell itself, outside of the writable directories',
        line: null,
      });
    } else {
      names.push(target);
    }
  }
  const shown = names.slice(0, 3).join(', ');
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return {
    problems,
    warnings:
      names.length === 0
        ? []
        : [
            `the platform tier cannot hold what programs of this host trust: ${shown}${more}; changes are named afterwards`,
          ],
    names,
  };
}
