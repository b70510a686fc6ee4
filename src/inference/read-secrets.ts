/** Reads the secrets of routes, once, before anything of the workload runs. */
import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import type { CredentialSource, InferenceRoutes } from '../policy/routes/routes.ts';

const MAX_SECRET = 16 * 1024;
/** What a header can carry. */
const USABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * By the name of the route. Errors are sentences that name the route and the place, and nothing of what stands there.
 * @param directory of the file of routes: relative paths begin there
 */
export function readSecrets(
  { routes }: InferenceRoutes,
  environment: Readonly<Record<string, string | undefined>>,
  directory: string,
): Result<ReadonlyMap<string, string>, string> {
  const secrets = new Map<string, string>();
  // A descriptor can be read once only.
  const read = new Map<string, Result<string, string>>();
  for (const { name, credential } of routes) {
    if (credential === null) continue;
    const place = placeOf(credential);
    const secret = read.get(place) ?? readSecret(credential, environment, directory);
    read.set(place, secret);
    if (!secret.ok) return err(`the credential of the route ${name} (${place}) ${secret.error}`);
    secrets.set(name, secret.value);
  }
  return ok(secrets);
}

/** Absolute paths of the files that hold secrets: nothing inside a sandbox may see them. */
export const secretFiles = ({ routes }: InferenceRoutes, directory: string): string[] => [
  ...new Set(
    routes.flatMap(({ credential }) =>
      credential?.kind === 'file' ? resolve(directory, credential.path) : [],
    ),
  ),
];

const placeOf = (source: CredentialSource): string =>
  source.kind === 'env'
    ? `env:${source.name}`
    : source.kind === 'fd'
      ? `fd:${source.fd}`
      : `file:${source.path}`;

function readSecret(
  source: CredentialSource,
  environment: Readonly<Record<string, string | undefined>>,
  directory: string,
): Result<string, string> {
  if (source.kind === 'env') {
    const value = environment[source.name];
    return value === undefined ? err('is not set in the environment of openshell') : usable(value);
  }
  try {
    if (source.kind === 'fd') {
      const text = readAll(source.fd);
      closeSync(source.fd);
      return usable(text);
    }
    const fd = openSync(resolve(directory, source.path), 'r');
    try {
      return usable(readAll(fd));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return err(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
}

function readAll(fd: number): string {
  const bytes = Buffer.alloc(MAX_SECRET + 1);
  let length = 0;
  while (length < bytes.length) {
    const got = readSync(fd, bytes, length, bytes.length - length, null);
    if (got === 0) break;
    length += got;
  }
  return bytes.toString('utf8', 0, length);
}

/** One line feed at the end belongs to the file. */
function usable(text: string): Result<string, string> {
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') return err('is empty');
  if (secret.length > MAX_SECRET) return err(`is longer than ${MAX_SECRET} bytes`);
  return USABLE.test(secret) ? ok(secret) : err('holds characters that a header cannot carry');
}
