/**
 * `--credential NAME=env:VAR|file:PATH|fd:N`: where a secret is read from. What is read is in no message, no argument
 * and no variable of anything that is started after.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { printable } from '../base/source.ts';
import { parseCredential } from '../inject/credential-document.ts';
import { CREDENTIAL_LIMITS, type CredentialDocument } from '../inject/provider.ts';
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
    const { text: content, file, warnings } = source(kind!, from, where, environment);
    if (kind === 'env') spent.add(from);
    const parsed = parseCredential(content, kind === 'env' ? from : variableFor(name));
    if (!parsed.ok) throw new UsageError(`${where}: the credential ${parsed.error}`);
    read.push({ provider: { name, ...parsed.value }, file, warnings });
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

interface Source {
  readonly text: string;
  readonly file: string | null;
  readonly warnings: readonly string[];
}

function source(
  kind: string,
  from: string,
  where: string,
  environment: Record<string, string | undefined>,
): Source {
  if (kind === 'env') {
    if (!VARIABLE.test(from)) throw new UsageError(`--credential: ${FORM}`);
    const text = environment[from];
    if (text === undefined) throw new UsageError(`${where}: the variable is not set`);
    return { text, file: null, warnings: [] };
  }
  if (kind === 'fd') {
    if (!/^\d{1,7}$/.test(from)) throw new UsageError(`--credential: ${FORM}`);
    return { text: readDescriptor(Number(from), where), file: null, warnings: [] };
  }
  return readFile(from.startsWith('~/') ? join(homedir(), from.slice(2)) : resolve(from), where);
}

function readFile(path: string, where: string): Source {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw new UsageError(`${where}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const stats = fstatSync(descriptor);
  const text = readDescriptor(descriptor, where);
  const open = stats.isFile() && (stats.mode & 0o044) !== 0;
  return {
    text,
    file: stats.isFile() ? path : null,
    warnings: open ? [`${where}: other users of this host can read the file; \`chmod 600\` it`] : [],
  };
}

/** Everything that it yields, and closes it. */
function readDescriptor(descriptor: number, where: string): string {
  const most = CREDENTIAL_LIMITS.credentialBytes;
  const bytes = Buffer.alloc(most + 1);
  let length = 0;
  try {
    for (;;) {
      const count = readSync(descriptor, bytes, length, bytes.length - length, null);
      length += count;
      if (count === 0 || length > most) break;
    }
    closeSync(descriptor);
  } catch (error) {
    throw new UsageError(`${where}: ${(error as NodeJS.ErrnoException).code}`);
  }
  if (length > most) throw new UsageError(`${where}: the credential is longer than ${most} bytes`);
  const text = bytes.toString('utf8', 0, length);
  if (!Buffer.from(text).equals(bytes.subarray(0, length)))
    throw new UsageError(`${where}: the credential is no UTF-8 text`);
  bytes.fill(0);
  return text;
}
