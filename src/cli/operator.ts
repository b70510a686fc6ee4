/** Options that `run`, `plan` and `explain` share: what the operator adds to a policy. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import type { OperatorRequest } from '../compile/input.ts';
import { type ConnectTo, parseConnectTo } from '../egress/connect-to.ts';
import type { NetworkMode } from '../plan/plan.ts';
import { primaryGroup } from '../probe/caller.ts';
import { readHost } from '../policy/host.ts';
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
  tier: { type: 'string' },
} as const satisfies NonNullable<ParseArgsConfig['options']>;

export type OperatorValues = {
  readonly [K in keyof typeof OPERATOR_OPTIONS]?: (typeof OPERATOR_OPTIONS)[K] extends { multiple: true } ? string[] : (typeof OPERATOR_OPTIONS)[K] extends { type: 'boolean' } ? boolean : string;
};

export function operatorRequest(values: OperatorValues): OperatorRequest {
  if (values.tier !== undefined && values.tier !== 'auto' && values.tier !== 'namespaces') {
    throw new UsageError(`--tier ${values.tier}: this version has the tiers auto and namespaces`);
  }
  return {
    read: (values.read ?? []).map(absolute),
    write: (values.write ?? []).map(absolute),
    allow: (values.allow ?? []).map(parseAllow),
    network: networkOf(values.network),
    home: values.home === undefined ? null : existing('--home', values.home),
    user: values.user === undefined ? null : userOf(values.user),
    environment: [...(values['env-file'] ?? []).flatMap(environmentFile), ...(values.env ?? []).map(environmentEntry)],
    acceptDegraded: values['accept-degraded'] ?? false,
    netlinkEnumerate: /^(1|true|yes)$/i.test(process.env['OPENSHELL_ALLOW_NETLINK_ENUMERATE'] ?? ''),
  };
}

/** The working directory: canonical. */
export function workdirOf(values: OperatorValues): string {
  return values.workdir === undefined ? process.cwd() : existing('--workdir', values.workdir);
}

export function connectToOf(values: OperatorValues): ConnectTo[] {
  return (values['connect-to'] ?? []).map((text) => {
    const parsed = parseConnectTo(text);
    if (!parsed.ok) throw new UsageError(`--connect-to ${text}: ${parsed.error}`);
    return parsed.value;
  });
}

const absolute = (path: string): string => (path === '~' || path.startsWith('~/') ? path : resolve(path));

function existing(option: string, path: string): string {
  const full = resolve(path);
  if (!existsSync(full) || !statSync(full).isDirectory()) throw new UsageError(`${option} ${path}: no such directory`);
  return realpathSync(full);
}

function networkOf(text: string | undefined): NetworkMode | null {
  if (text === undefined) return null;
  if (text === 'proxy' || text === 'block' || text === 'allow') return text;
  throw new UsageError(`--network ${text}: expected proxy, block or allow`);
}

/** `HOST[:PORT]`, an IPv6 address in brackets when a port follows; port 443 unless given. */
function parseAllow(text: string): { host: string; port: number } {
  const match = /^(?<host>\[[^\]]*\]|[^:]*|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(?::(?<port>\d{1,5}))?$/.exec(text);
  const host = match === null ? null : readHost(match.groups!['host']!.replace(/^\[|\]$/g, ''));
  if (host === null || !host.ok) throw new UsageError(`--allow ${text}: ${host === null ? 'expected HOST or HOST:PORT' : host.error.message}`);
  const port = Number(match!.groups!['port'] ?? 443);
  if (port < 1 || port > 65535) throw new UsageError(`--allow ${text}: the port must be 1 to 65535`);
  return { host: host.value.text, port };
}

function userOf(text: string): { uid: number; gid: number } {
  const uid = Number(text);
  if (!/^\d{1,10}$/.test(text) || uid === 0 || uid >= 0xffff_ffff) throw new UsageError(`--user ${text}: expected a user id from 1 to 4294967294`);
  return { uid, gid: primaryGroup(uid) ?? uid };
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
