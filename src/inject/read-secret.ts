/** Reads a secret from where a user says that it is. Nothing of what stands there is in a problem. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { err, ok, type Result } from '../base/result.ts';
import type { SecretPlace } from '../base/secret-place.ts';

export interface ReadSecret {
  readonly text: string;
  /** Permissions of the regular file that a path led to; null: there is none. */
  readonly mode: number | null;
}

export type SecretProblem =
  | { readonly kind: 'unset' }
  /** `code` of the system call that failed, as `ENOENT`. */
  | { readonly kind: 'unreadable'; readonly code: string }
  | { readonly kind: 'too long' }
  | { readonly kind: 'no UTF-8' };

/**
 * A relative path begins at the working directory. A descriptor is closed afterwards: it can be read once.
 * @param most bytes; no more than one beyond is read
 */
export function readSecret(
  place: SecretPlace,
  environment: Readonly<Record<string, string | undefined>>,
  most: number,
): Result<ReadSecret, SecretProblem> {
  if (place.kind === 'env') {
    const text = environment[place.name];
    if (text === undefined) return err({ kind: 'unset' });
    return Buffer.byteLength(text) > most ? err({ kind: 'too long' }) : ok({ text, mode: null });
  }
  const bytes = Buffer.alloc(most + 1);
  try {
    const { length, mode } = readPlace(place, bytes);
    if (length > most) return err({ kind: 'too long' });
    const text = bytes.toString('utf8', 0, length);
    if (!Buffer.from(text).equals(bytes.subarray(0, length))) return err({ kind: 'no UTF-8' });
    return ok({ text, mode });
  } catch (error) {
    return err({ kind: 'unreadable', code: (error as NodeJS.ErrnoException).code ?? 'error' });
  } finally {
    bytes.fill(0);
  }
}

/** Fills the bytes as far as there are any. */
function readPlace(
  place: Exclude<SecretPlace, { kind: 'env' }>,
  bytes: Buffer,
): { readonly length: number; readonly mode: number | null } {
  const fd = place.kind === 'fd' ? place.fd : openSync(place.path, 'r');
  // Throws where it is none: there is nothing to close then.
  const stats = fstatSync(fd);
  let length = 0;
  try {
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return { length, mode: place.kind === 'file' && stats.isFile() ? stats.mode : null };
  } finally {
    closeSync(fd);
  }
}
