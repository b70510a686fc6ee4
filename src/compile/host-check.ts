/** What `policy check` says about a policy on this host: binaries that are not what they seem, parts that a run refuses. */
import { liesIn } from '../base/path.ts';
import type { PathFact } from '../plan/facts.ts';
import type { Policy } from '../policy/policy.ts';
import type { ShownPath } from './shown-paths.ts';
import { unsupported } from './unsupported.ts';

export interface HostWarning {
  readonly line: number | null;
  readonly message: string;
  readonly hint: string | null;
}

/** What is known about a binary of the policy; `interpreter`: from its `#!` line, else null. */
export interface BinaryFact {
  readonly fact: PathFact;
  readonly interpreter: string | null;
}

export function hostWarnings(
  policy: Policy,
  shown: readonly ShownPath[],
  binaries: ReadonlyMap<string, BinaryFact>,
): HostWarning[] {
  const warnings: HostWarning[] = [];
  for (const { binaries: listed } of policy.network) {
    for (const { path, span } of listed) {
      const known = binaries.get(path);
      if (known !== undefined)
        warnings.push(...aboutBinary(path, known, shown).map((warning) => ({ line: span.line, ...warning })));
    }
  }
  for (const problem of unsupported(policy)) {
    warnings.push({
      line: problem.line,
      message: `\`openshell run\` refuses this policy: ${problem.message}`,
      hint: problem.hint,
    });
  }
  return warnings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function aboutBinary(
  path: string,
  { fact, interpreter }: BinaryFact,
  shown: readonly ShownPath[],
): { message: string; hint: string | null }[] {
  if (fact.kind === 'missing')
    return [
      { message: `the binary ${path} does not exist on this host`, hint: 'it matches nobody until it does' },
    ];
  if (fact.kind === 'directory')
    return [
      { message: `the binary ${path} is a directory`, hint: `write \`${path}/**\` for everything in it` },
    ];
  const found: { message: string; hint: string | null }[] = [];
  if (interpreter !== null) {
    found.push({
      message: `the binary ${path} is a script: the kernel names its interpreter ${interpreter} instead`,
      hint: `list ${interpreter}; it then may connect whatever script it runs`,
    });
  }
  if (fact.canonical !== path)
    found.push({
      message: `the binary ${path} is a symbolic link to ${fact.canonical}`,
      hint: 'both match on this host; write the target to be exact',
    });
  const place = shown.find(
    (one) => one.kind === 'host' && one.writable && liesIn(fact.canonical, one.source),
  );
  if (place !== undefined) {
    found.push({
      message: `the binary ${path} lies in ${place.target}, which the workload may write`,
      hint: 'whoever can write it can put another program there: pin it with `sha256`, or keep it elsewhere',
    });
  }
  return found;
}
