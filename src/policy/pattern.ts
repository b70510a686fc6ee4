/** Patterns (globs) in a policy: can they be read, and can they ever match what they are compared with. */
import { compileGlob } from '../base/glob.ts';
import type { TextRead } from './file-path.ts';
import { type Issues, quoted } from './issues.ts';

/** Reports a pattern that cannot be read, and one that is read otherwise than it looks. */
export function checkGlob(read: TextRead, separator: '/' | '.', issues: Issues): boolean {
  const compiled = compileGlob(read.value, separator);
  if (!compiled.ok) {
    issues.report('invalid_pattern', read, `${quoted(read.value)} is no pattern: ${compiled.error}`);
    return false;
  }
  const glued = read.value.split(separator).some((part) => part !== '**' && part.includes('**'));
  if (glued) {
    const message = `\`**\` beside other characters is read as \`*\`, which stays inside one component`;
    issues.report(
      'pattern_dialect',
      read,
      message,
      `Put it between two \`${separator}\` to go across components.`,
    );
  }
  return true;
}

/** Characters of a canonical request path (RFC 3986 pchar and `/`, without `;`, which is cut off) and of patterns. */
const OUTSIDE_PATHS = /[^A-Za-z0-9._~!$&'()*+,=:@/?[\]{}%^-]/;
const UNRESERVED = /[A-Za-z0-9._~-]/;

/**
 * A pattern for request paths, which are canonical when they are compared: no dot segments, no doubled slashes, no
 * escapes of characters that need none (docs/policy.md, "Request paths").
 */
export function checkRequestPath(read: TextRead, encodedSlash: boolean, issues: Issues): boolean {
  const problem = neverMatches(read.value, encodedSlash);
  if (problem === null) return checkGlob(read, '/', issues);
  issues.report('pattern_never_matches', read, `${quoted(read.value)} ${problem.message}`, problem.hint);
  return false;
}

interface Problem {
  readonly message: string;
  readonly hint: string;
}

function neverMatches(pattern: string, encodedSlash: boolean): Problem | null {
  if (!pattern.startsWith('/') && pattern.split('/')[0] !== '**') {
    const hint = pattern === '*' ? 'Write `**` for every path.' : 'Begin it with `/`.';
    return { message: 'matches no request path: those begin with `/`', hint };
  }
  if (/\?.*=/.test(pattern)) {
    return { message: 'holds a query; request paths have none', hint: 'Write parameters under `query`.' };
  }
  const outside = OUTSIDE_PATHS.exec(pattern);
  if (outside !== null) {
    const code = outside[0].codePointAt(0)!;
    const escaped =
      code < 0x80 ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : 'UTF-8 bytes as `%XX`';
    const cut = outside[0] === ';' || outside[0] === '#';
    const hint = cut
      ? `What follows \`${outside[0]}\` is no part of the compared path.`
      : `Write it escaped: ${escaped}.`;
    return { message: `holds ${quoted(outside[0])}, which canonical request paths do not hold`, hint };
  }
  const segments = pattern.split('/');
  if (segments.includes('..') || segments.includes('.')) {
    return {
      message: 'holds a dot segment; those are resolved before paths are compared',
      hint: 'Write the resolved path.',
    };
  }
  if (pattern.includes('//')) {
    return { message: 'holds `//`; slashes are joined before paths are compared', hint: 'Write one slash.' };
  }
  return badEscape(pattern, encodedSlash);
}

function badEscape(pattern: string, encodedSlash: boolean): Problem | null {
  for (const { index } of pattern.matchAll(/%/g)) {
    const found = pattern.slice(index, index + 3);
    if (!/^%[0-9A-F]{2}$/.test(found)) {
      const hint = 'An escape is `%` and two hexadecimal digits in upper case.';
      return {
        message: `holds the escape ${quoted(found)}, which canonical request paths do not hold`,
        hint,
      };
    }
    const character = String.fromCharCode(Number.parseInt(found.slice(1), 16));
    if (UNRESERVED.test(character)) {
      return {
        message: `holds ${quoted(found)}, which canonical request paths hold as ${quoted(character)}`,
        hint: 'Write the character itself.',
      };
    }
    if (/[\u0000-\u001f\u007f]/.test(character)) {
      return { message: `holds ${quoted(found)}; requests with it are refused`, hint: 'Remove it.' };
    }
    if (character === '/' && !encodedSlash) {
      const hint = 'Set `allow_encoded_slash: true` on the endpoint.';
      return { message: `holds ${quoted(found)}; requests with it are refused`, hint };
    }
  }
  return null;
}
