/** The section `filesystem_policy`. */
import { cleanPath, liesIn } from '../base/path.ts';
import type { Read } from './fields.ts';
import { checkFilePath, reportRepeated, type TextRead, WORKDIR } from './file-path.ts';
import { type Issues, quoted } from './issues.ts';
import { POLICY_LIMITS } from './limits.ts';
import type { At, FilesystemSection } from './policy.ts';
import type { FILESYSTEM } from './schema.ts';

interface Listed extends TextRead {
  readonly comparable: string;
}

export function checkFilesystem(read: Read<typeof FILESYSTEM>, issues: Issues): FilesystemSection {
  const { fields } = read.value;
  const list = (reads: readonly TextRead[] | undefined): Listed[] => checkList(reads ?? [], issues);
  const readOnly = list(fields.read_only?.value);
  const readWrite = list(fields.read_write?.value);
  const deny = list(fields.deny?.value);
  const protect = list(fields.protect?.value);
  const includeWorkdir = fields.include_workdir?.value ?? false;
  checkCount('read_only` and `read_write', [...readOnly, ...readWrite], issues);
  checkCount('deny` and `protect', [...deny, ...protect], issues);
  for (const path of readWrite) {
    if (path.comparable !== '/') continue;
    issues.report(
      'root_writable',
      path,
      '`/` cannot be writable',
      'List the directories that the program needs.',
    );
  }
  const writable = [...readWrite.map((path) => path.comparable), ...(includeWorkdir ? [WORKDIR] : [])];
  reportOverruled(readOnly, writable, issues);
  reportHidden([...readOnly, ...readWrite, ...protect], deny, issues);
  // Where the working directory lies is not known here: anything may be below it.
  if (!includeWorkdir) reportIdleProtection(protect, writable, issues);
  return {
    span: read.span,
    includeWorkdir,
    readOnly: readOnly.map(at),
    readWrite: readWrite.map(at),
    deny: deny.map(at),
    protect: protect.map(at),
  };
}

const at = ({ value, span }: Listed): At<string> => ({ value, span });

function checkList(reads: readonly TextRead[], issues: Issues): Listed[] {
  reportRepeated(reads, cleanPath, issues);
  return reads
    .filter((read) => checkFilePath(read, issues))
    .map((read) => {
      if (/[*?]/.test(read.value)) {
        const message = `${quoted(read.value)} is taken literally: paths here are no patterns`;
        issues.report('path_pattern', read, message, 'List a directory: everything below it is meant too.');
      }
      return { ...read, comparable: cleanPath(read.value) };
    });
}

function checkCount(lists: string, paths: readonly Listed[], issues: Issues): void {
  const extra = paths[POLICY_LIMITS.paths];
  if (extra === undefined) return;
  const message = `\`${lists}\` list more than ${POLICY_LIMITS.paths} paths together`;
  issues.report('too_many_paths', extra, message, 'List directories instead of single files.');
}

/** Pairs are few: the lists are bounded, and what is beyond the bound was reported. */
const bounded = <T>(paths: readonly T[]): readonly T[] => paths.slice(0, 2 * POLICY_LIMITS.paths);

function reportOverruled(readOnly: readonly Listed[], writable: readonly string[], issues: Issues): void {
  for (const path of bounded(readOnly)) {
    const wider = bounded(writable).find((directory) => liesIn(path.comparable, directory));
    if (wider === undefined) continue;
    const message = `${quoted(path.value)} is writable all the same, because ${quoted(wider)} is`;
    issues.report(
      'read_only_overruled',
      path,
      message,
      'List it under `protect` to keep it from being written.',
    );
  }
}

function reportHidden(listed: readonly Listed[], deny: readonly Listed[], issues: Issues): void {
  for (const path of bounded(listed)) {
    const hider = bounded(deny).find((denied) => liesIn(path.comparable, denied.comparable));
    if (hider === undefined) continue;
    const message = `${quoted(path.value)} is hidden by \`deny\` on line ${hider.span.line}`;
    issues.report('path_hidden', path, message, 'Remove it from one of the two lists.');
  }
}

function reportIdleProtection(protect: readonly Listed[], writable: readonly string[], issues: Issues): void {
  for (const path of bounded(protect)) {
    if (bounded(writable).some((directory) => liesIn(path.comparable, directory))) continue;
    const message = `${quoted(path.value)} lies in no path of \`read_write\`, so there is nothing to protect`;
    issues.report('no_effect', path, message);
  }
}
