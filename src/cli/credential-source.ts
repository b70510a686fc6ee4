/**
 * `--credential NAME=env:VAR|file:PATH|fd:N`: where a secret is read from. What is read is in no message, no argument
 * and no variable of anything that is started after.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { SecretPlace } from '../base/secret-place.ts';
import { printable } from '../base/source.ts';
import { parseCredential } from '../inject/credential-document.ts';
import { CREDENTIAL_LIMITS, type CredentialDocument } from '../inject/provider.ts';
import { readSecret, type SecretProblem } from '../inject/read-secret.ts';
import { UsageError } from './usage.ts';

export interface ReadCredential {
  readonly provider: { readonly name: string } & CredentialDocument;
  /** The regular file that it was read from, absolute; null: none. */
  readonly file: string | null;
  /** For people: files that others of this host can read. */
  readonly warnings: readonly string[];
}

const GIVEN = /^(?<name>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})=(?<kind>env|file|fd):(?<from>.+)$/s;
const FORM = 'expected NAME=env:VAR, NAME=file:PATH or NAME=fd:N';
/** S_IRGRP, S_IROTH. */
const READ_BY_OTHERS = 0o044;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** @param environment openshell's own; variables that hold a credential are taken out of it */
export function readCredentials(
  texts: readonly string[],
  environment: Record<string, string | undefined>,
): ReadCredential[] {
  const read: ReadCredential[] = [];
  const spent = new Set<string>();
  for (const text of texts) {
    const { name, kind, from } = GIVEN.exec(text)?.groups ?? {};
    // What stands there instead may be the secret itself.
    if (name === undefined || from === undefined) throw new UsageError(`--credential: ${FORM}`);
    const where = `--credential ${name}=${kind}:${printable(from)}`;
    if (read.some(({ provider }) => provider.name === name))
      throw new UsageError(`${where}: there is a credential of that name already`);
    const place = placeOf(kind!, from);
    const secret = readSecret(place, environment, CREDENTIAL_LIMITS.credentialBytes);
    if (!secret.ok) throw new UsageError(`${where}: ${clauseOf(secret.error)}`);
    const { text: content, mode } = secret.value;
    if (kind === 'env') spent.add(from);
    const parsed = parseCredential(content, kind === 'env' ? from : variableFor(name));
    if (!parsed.ok) throw new UsageError(`${where}: the credential ${parsed.error}`);
    read.push({
      provider: { name, ...parsed.value },
      file: place.kind === 'file' && mode !== null ? place.path : null,
      warnings:
        mode !== null && (mode & READ_BY_OTHERS) !== 0
          ? [`${where}: other users of this host can read the file; \`chmod 600\` it`]
          : [],
    });
  }
  for (const variable of spent) delete environment[variable];
  return read;
}

/** `github-token` is GITHUB_TOKEN to the workload. */
const variableFor = (name: string): string =>
  name
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_');

function placeOf(kind: string, from: string): SecretPlace {
  if (kind === 'env' && VARIABLE.test(from)) return { kind, name: from };
  if (kind === 'fd' && /^\d{1,7}$/.test(from)) return { kind, fd: Number(from) };
  if (kind === 'file')
    return { kind, path: from.startsWith('~/') ? join(homedir(), from.slice(2)) : resolve(from) };
  throw new UsageError(`--credential: ${FORM}`);
}

function clauseOf(problem: SecretProblem): string {
  switch (problem.kind) {
    case 'unset':
      return 'the variable is not set';
    case 'unreadable':
      return problem.code;
    case 'too long':
      return `the credential is longer than ${CREDENTIAL_LIMITS.credentialBytes} bytes`;
    case 'no UTF-8':
      return 'the credential is no UTF-8 text';
  }
}
