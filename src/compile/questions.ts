/** Which paths of the host a compilation needs to know about: `probe` looks at exactly these. */
import { joinPath } from '../base/path.ts';
import type { CallerFacts } from '../plan/facts.ts';
import { DEVICES } from './devices.ts';
import type { CompileInput } from './input.ts';
import { expandPath, listedPaths } from './listed-paths.ts';
import { GIT_FILE, PROTECTED_NAMES } from './protected-names.ts';

export const GENERATED_FILES = [
  '/etc/passwd',
  '/etc/group',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/hostname',
] as const;

export function pathsOfInterest(
  input: Pick<CompileInput, 'policy' | 'operator'>,
  caller: CallerFacts,
  ownFiles: readonly string[],
): string[] {
  const asked = new Set<string>([
    caller.home,
    caller.workdir,
    ...ownFiles,
    ...GENERATED_FILES,
    ...DEVICES.map(({ path }) => path),
  ]);
  const listed = listedPaths({ ...input, facts: { caller } });
  for (const { path, writable } of listed) {
    asked.add(path);
    if (!writable) continue;
    for (const name of [...PROTECTED_NAMES, GIT_FILE]) asked.add(joinPath(path, name));
  }
  const section = input.policy?.filesystem;
  for (const { value } of [...(section?.deny ?? []), ...(section?.protect ?? [])])
    asked.add(expandPath(value, caller));
  if (input.operator.home !== null) {
    asked.add(input.operator.home);
    for (const name of [...PROTECTED_NAMES, GIT_FILE]) asked.add(joinPath(input.operator.home, name));
  }
  for (const { binaries } of input.policy?.network ?? []) {
    for (const { path } of binaries) if (path.startsWith('/') && !/[*?[{]/.test(path)) asked.add(path);
  }
  return [...asked];
}
