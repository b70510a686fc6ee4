/** Which paths of the host a compilation needs to know about: `probe` looks at exactly these. */
import { joinPath, liesIn } from '../base/path.ts';
import type { CallerFacts, Repository } from '../plan/facts.ts';
import { credentialFiles } from './credentials.ts';
import { DEVICES } from './devices.ts';
import type { CompileInput } from './input.ts';
import { expandPath, listedPaths, OWN_TREES } from './listed-paths.ts';
import { PROTECTED_NAMES, REPOSITORY_NAMES } from './protected-names.ts';

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
  repositories: readonly Repository[],
): string[] {
  const asked = new Set<string>([
    caller.home,
    caller.workdir,
    ...ownFiles,
    ...GENERATED_FILES,
    ...DEVICES.map(({ path }) => path),
  ]);
  for (const { path } of listedPaths({ ...input, facts: { caller } })) asked.add(path);
  for (const root of writableRoots(input, caller))
    for (const name of PROTECTED_NAMES) asked.add(joinPath(root, name));
  for (const { path, kind } of repositories) {
    asked.add(path);
    for (const name of REPOSITORY_NAMES[kind]) asked.add(joinPath(path, name));
  }
  const section = input.policy?.filesystem;
  for (const { value } of [...(section?.deny ?? []), ...(section?.protect ?? [])])
    asked.add(expandPath(value, caller));
  for (const file of credentialFiles(input.operator)) asked.add(file);
  if (input.operator.home !== null) asked.add(input.operator.home);
  for (const { binaries } of input.policy?.network ?? []) {
    for (const { path } of binaries) if (path.startsWith('/') && !/[*?[{]/.test(path)) asked.add(path);
  }
  return [...asked];
}

/** What may be written and is of the host, before any disk is asked: the places of names that the host trusts. */
export function writableRoots(
  input: Pick<CompileInput, 'policy' | 'operator'>,
  caller: CallerFacts,
): string[] {
  const { home } = input.operator;
  const listed = listedPaths({ ...input, facts: { caller } })
    .filter(({ path, writable }) => writable && !OWN_TREES.includes(path) && !liesIn(path, '/dev'))
    .map(({ path }) => path);
  return [...new Set(home === null ? listed : [...listed, home])];
}
