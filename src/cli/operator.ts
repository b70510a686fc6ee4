/** Options that `run`, `plan` and `explain` share: what the operator adds to a policy. */
import { existsSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import type { GivenInference, OperatorRequest } from '../compile/input.ts';
import type { ConnectTo } from '../egress/connect-to.ts';
import type { NetworkMode, Tier } from '../plan/plan.ts';
import { primaryGroup } from '../probe/caller.ts';
import type { ReadCredential } from './credential-source.ts';
import type { RoutesFile } from './inference.ts';
import { UsageError } from './usage.ts';

export const OPERATOR_OPTIONS = {
  policy: { type: 'string', short: 'p' },
  read: { type: 'string', multiple: true },
  write: { type: 'string', multiple: true },
  allow: { type: 'string', multiple: true },
  network: { type: 'string' },
  env: { type: 'string', short: 'e', multiple: true },
  'env-file': { type: 'string', multiple: true },
  home: { type: 'string' },
  workdir: { type: 'string', short: 'w' },
  user: { type: 'string' },
  'accept-degraded': { type: 'boolean' },
  'connect-to': { type: 'string', multiple: true },
  'upstream-ca': { type: 'string', multiple: true },
  inference: { type: 'string' },
  tier: { type: 'string' },
} as const satisfies NonNullable<ParseArgsConfig['options']>;

export type OperatorValues = {
  readonly [K in keyof typeof OPERATOR_OPTIONS]?: (typeof OPERATOR_OPTIONS)[K] extends { multiple: true }
    ? string[]
    : (typeof OPERATOR_OPTIONS)[K] extends { type: 'boolean' }
      ? boolean
      : string;
};

/** @param given what `--credential` gives; undefined: the command does not ask for it, and bindings are taken as they stand */
export async function operatorRequest(
  values: OperatorValues,
  given?: readonly ReadCredential[],
  inference: GivenInference | null = null,
): Promise<OperatorRequest> {
  return {
    read: (values.read ?? []).map(absolute),
    write: (values.write ?? []).map(absolute),
    allow: await allowed(values.allow ?? []),
    network: networkOf(values.network),
    home: values.home === undefined ? null : existing('--home', values.home),
    user: values.user === undefined ? null : userOf(values.user),
    credentials:
      given === undefined
        ? null
        : given.map(({ provider, file }) => ({
            provider: provider.name,
            variables: provider.values.map(({ variable }) => variable),
            file,
          })),
    environment: [...new Set(givenEnvironment(values).map(({ name }) => name))],
    inference,
    acceptDegraded: values['accept-degraded'] ?? false,
    tier: tierOf(values.tier),
    netlinkEnumerate: /^(1|true|yes)$/i.test(process.env['OPENSHELL_ALLOW_NETLINK_ENUMERATE'] ?? ''),
  };
}

/** What `--inference` names, checked; null: nothing. */
export async function routesOf(values: OperatorValues): Promise<RoutesFile | null> {
  if (values.inference === undefined) return null;
  const { readRoutes } = await import('./routes.late.ts');
  return readRoutes(values.inference);
}

/** The working directory: canonical. */
export function workdirOf(values: OperatorValues): string {
  return values.workdir === undefined ? presentDirectory() : existing('--workdir', values.workdir);
}

/** Names are bytes; one that is no UTF-8 would be another directory's name here. */
function presentDirectory(): string {
  const path = process.cwd();
  if (!readlinkSync('/proc/self/cwd', 'buffer').equals(Buffer.from(path, 'utf8')))
    throw new UsageError(
      `the name of the present directory is not UTF-8 text: ${path}; start in another, or rename it`,
    );
  return path;
}

export async function connectToOf(values: OperatorValues): Promise<ConnectTo[]> {
  const texts = values['connect-to'] ?? [];
  if (texts.length === 0) return [];
  const { parseConnectTo } = await import('./operator.late.ts');
  return texts.map((text) => {
    const parsed = parseConnectTo(text);
    if (!parsed.ok) throw new UsageError(`--connect-to ${text}: ${parsed.error}`);
    return parsed.value;
  });
}

/** The content of the files of `--upstream-ca`: PEM with at least one certificate. */
export async function upstreamAuthorities(values: OperatorValues): Promise<string[]> {
  const paths = values['upstream-ca'] ?? [];
  if (paths.length === 0) return [];
  const { readCertificates } = await import('./operator.late.ts');
  return paths.map((path) => {
    const read = readCertificates(path);
    if (!read.ok) throw new UsageError(`--upstream-ca ${path}: ${read.error}`);
    return read.value;
  });
}

async function allowed(texts: readonly string[]): Promise<{ host: string; port: number }[]> {
  if (texts.length === 0) return [];
  const { parseAllow } = await import('./operator.late.ts');
  return texts.map((text) => {
    const parsed = parseAllow(text);
    if (!parsed.ok) throw new UsageError(`--allow ${text}: ${parsed.error}`);
    return parsed.value;
  });
}

const absolute = (path: string): string => (path === '~' || path.startsWith('~/') ? path : resolve(path));

function existing(option: string, path: string): string {
  const full = resolve(path);
  if (!existsSync(full) || !statSync(full).isDirectory())
    throw new UsageError(`${option} ${path}: no such directory`);
  return realpathSync(full);
}

function networkOf(text: string | undefined): NetworkMode | null {
  if (text === undefined) return null;
  if (text === 'proxy' || text === 'block' || text === 'allow') return text;
  throw new UsageError(`--network ${text}: expected proxy, block or allow`);
}

function tierOf(text: string | undefined): Tier | 'auto' {
  if (text === undefined) return 'auto';
  if (text === 'auto' || text === 'namespaces' || text === 'platform') return text;
  throw new UsageError(`--tier ${text}: expected auto, namespaces or platform`);
}

function userOf(text: string): { uid: number; gid: number } {
  const uid = Number(text);
  if (!/^\d{1,10}$/.test(text) || uid === 0 || uid >= 0xffff_ffff)
    throw new UsageError(`--user ${text}: expected a user id from 1 to 4294967294`);
  return { uid, gid: primaryGroup(uid) ?? uid };
}

/** What `--env-file` and `--env` say, in order; a null value passes the caller's. */
export function givenEnvironment(values: OperatorValues): { name: string; value: string | null }[] {
  return [
    ...(values['env-file'] ?? []).flatMap(environmentFile),
    ...(values.env ?? []).map(environmentEntry),
  ];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

function environmentEntry(text: string): { name: string; value: string | null } {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  if (!NAME.test(name)) throw new UsageError(`--env ${name}: a variable's name has letters, digits and _`);
  return { name, value: at < 0 ? null : text.slice(at + 1) };
}

/** `NAME=value` lines; empty lines and lines that start with `#` are skipped. Values are taken as they stand. */
function environmentFile(path: string): { name: string; value: string | null }[] {
  refuseOptionOfNode();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--env-file ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const at = line.indexOf('=');
    const name = at < 0 ? line : line.slice(0, at);
    if (!NAME.test(name)) throw new UsageError(`--env-file ${path}:${i + 1}: expected NAME=value`);
    return [{ name, value: at < 0 ? null : line.slice(at + 1) }];
  });
}

/** Node reads `--env-file` wherever it stands, but for what follows a `--`: NODE_OPTIONS in it would load code into us. */
function refuseOptionOfNode(): void {
  const words = readFileSync('/proc/self/cmdline', 'utf8').split('\0');
  const end = words.indexOf('--');
  const at = words.findIndex((word) => word === '--env-file' || word.startsWith('--env-file='));
  if (at >= 0 && (end < 0 || at < end))
    throw new UsageError(
      'Node takes `--env-file` for its own option: start openshell by its name, or as `node -- openshell.cjs`',
    );
}
