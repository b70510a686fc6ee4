/** Paths of files as a policy writes them: absolute, or from the home or working directory, never upwards. */
import type { IssueCode } from './codes.ts';
import { type Issues, type Place, quoted } from './issues.ts';
import type { At } from './policy.ts';

/** Stands for the working directory. */
export const WORKDIR = `\${WORKDIR}`;

export interface TextRead extends At<string> {
  readonly path: string;
}

/** Reports what is wrong; true when the path can be expanded and used. */
export function checkFilePath(read: TextRead, issues: Issues): boolean {
  const problem = badPath(read.value);
  if (problem === null) return true;
  issues.report(problem.code, read, problem.message, problem.hint);
  return false;
}

interface Problem {
  readonly code: IssueCode;
  readonly message: string;
  readonly hint: string;
}

function badPath(path: string): Problem | null {
  const rest = afterStart(path);
  if (rest === null) return badStart(path);
  if (rest.includes('${')) {
    return variable(path, `Only ${quoted(WORKDIR)} is expanded, and only at the start of a path.`);
  }
  if (!rest.split('/').includes('..')) return null;
  return {
    code: 'path_traversal',
    message: `${quoted(path)} holds \`..\``,
    hint: 'Write the path that is meant.',
  };
}

/** What stands behind the part that is expanded; null when the path does not begin in a known way. */
function afterStart(path: string): string | null {
  if (path.startsWith('/')) return path;
  for (const start of ['~', WORKDIR]) {
    if (path === start) return '';
    if (path.startsWith(`${start}/`)) return path.slice(start.length);
  }
  return null;
}

function badStart(path: string): Problem {
  if (/^\$\{?HOME\b/.test(path)) return variable(path, 'Write `~/` for the home directory.');
  if (path.startsWith('~'))
    return variable(path, 'Only `~/`, the home directory of the caller, is expanded.');
  if (path.startsWith('$')) {
    return variable(path, `Only ${quoted(WORKDIR)}, the working directory, is expanded.`);
  }
  const meant = path.replace(/^(?:\.\/)+/, '');
  const example = meant.split('/').includes('..') ? '' : `, as in ${quoted(`${WORKDIR}/${meant}`)}`;
  return {
    code: 'path_relative',
    message: `${quoted(path)} is relative`,
    hint: `Begin it with \`/\`, \`~/\` or ${quoted(`${WORKDIR}/`)}${example}.`,
  };
}

const variable = (path: string, hint: string): Problem => ({
  code: 'path_variable',
  message: `${quoted(path)} holds a variable that is not expanded`,
  hint,
});

/** Reports values that stand in a list before, compared by `key`. */
export function reportRepeated(
  reads: readonly (TextRead & Place)[],
  key: (text: string) => string,
  issues: Issues,
): void {
  const seen = new Set<string>();
  for (const read of reads) {
    const value = key(read.value);
    if (seen.has(value))
      issues.report('repeated_value', read, `${quoted(read.value)} stands in this list twice`);
    seen.add(value);
  }
}
