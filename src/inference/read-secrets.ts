/** Reads the secrets of routes, once, before anything of the workload runs. */
import { resolve } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import type { SecretPlace } from '../base/secret-place.ts';
import { readSecret, type SecretProblem } from '../inject/read-secret.ts';
import type { InferenceRoutes } from '../policy/routes/routes.ts';

/** Bytes. */
const MAX_SECRET = 16 * 1024;
/** Bytes that may stand after it. */
const LINE_END = 2;
const TOO_LONG = `is longer than ${MAX_SECRET} bytes`;
const NO_HEADER = 'holds characters that a header cannot carry';
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
    const secret = read.get(place) ?? readUsable(credential, environment, directory);
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

const placeOf = (source: SecretPlace): string =>
  source.kind === 'env'
    ? `env:${source.name}`
    : source.kind === 'fd'
      ? `fd:${source.fd}`
      : `file:${source.path}`;

function readUsable(
  source: SecretPlace,
  environment: Readonly<Record<string, string | undefined>>,
  directory: string,
): Result<string, string> {
  const place = source.kind === 'file' ? { ...source, path: resolve(directory, source.path) } : source;
  const read = readSecret(place, environment, MAX_SECRET + LINE_END);
  return read.ok ? usable(read.value.text) : err(clauseOf(read.error));
}

function clauseOf(problem: SecretProblem): string {
  switch (problem.kind) {
    case 'unset':
      return 'is not set in the environment of openshell';
    case 'unreadable':
      return `cannot be read (${problem.code})`;
    case 'too long':
      return TOO_LONG;
    case 'no UTF-8':
      return NO_HEADER;
  }
}

/** One line feed at the end belongs to the file. */
function usable(text: string): Result<string, string> {
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') return err('is empty');
  if (secret.length > MAX_SECRET) return err(TOO_LONG);
  return USABLE.test(secret) ? ok(secret) : err(NO_HEADER);
}
