/** Reads a policy file: bounded, and only text. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import { onOneLine } from '../base/source.ts';
import { POLICY_LIMITS } from '../policy/limits.ts';

export interface PolicyFile {
  /** As the user named it. */
  readonly name: string;
  /** Absolute path as it was named, or null for standard input. */
  readonly path: string | null;
  readonly text: string;
}

/** The error is a sentence that names the file. `-` reads standard input. @param what it is, for the error */
export function readPolicyFile(given: string, what = 'policy'): Result<PolicyFile, string> {
  const name = onOneLine(given);
  let fd: number;
  try {
    fd = given === '-' ? 0 : openSync(given, 'r');
  } catch (error) {
    return err(`cannot read the ${what} ${name}: ${reasonOf(error)}`);
  }
  try {
    const stats = fstatSync(fd);
    if (stats.isDirectory()) return err(`cannot read the ${what} ${name}: it is a directory`);
    if (stats.isFile() && stats.size > POLICY_LIMITS.bytes) return err(tooLarge(what, name, stats.size));
    const bytes = readBounded(fd);
    if (bytes === null) return err(tooLarge(what, name, null));
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return ok({ name, path: given === '-' ? null : resolve(given), text });
  } catch (error) {
    return err(
      error instanceof TypeError
        ? `cannot read the ${what} ${name}: it is not UTF-8 text`
        : `cannot read the ${what} ${name}: ${reasonOf(error)}`,
    );
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

function readBounded(fd: number): Buffer | null {
  const parts: Buffer[] = [];
  let length = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(65_536);
    const got = readSync(fd, part);
    if (got === 0) return Buffer.concat(parts);
    length += got;
    if (length > POLICY_LIMITS.bytes) return null;
    parts.push(part.subarray(0, got));
  }
}

const tooLarge = (what: string, name: string, size: number | null): string =>
  `the ${what} ${name} is larger than ${POLICY_LIMITS.bytes} bytes${size === null ? '' : ` (${size})`}: a ${what} is a page or two`;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};
const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
};
