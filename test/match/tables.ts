/** Builders of egress tables and identities for tests. */

import { type Host, normaliseHost } from '../../src/match/host.ts';
import type { BinaryIdentity } from '../../src/match/identity.ts';
import type { EgressBinary, EgressEndpoint, EgressPolicy, EgressTable } from '../../src/plan/plan.ts';

export const SHA_A = 'a'.repeat(64);
export const SHA_B = 'b'.repeat(64);

export function host(text: string): Host {
  const result = normaliseHost(text);
  if (!result.ok) throw new Error(`${text} ${result.error}`);
  return result.value;
}

export function binary(pattern: string, more: Partial<EgressBinary> = {}): EgressBinary {
  return { pattern, resolved: null, ancestors: true, sha256: null, ...more };
}

/** `host:port[,port]`; the kind follows from the text. */
export function endpoint(text: string, more: Partial<EgressEndpoint> = {}): EgressEndpoint {
  const colon = text.lastIndexOf(':');
  const name = text.slice(0, colon);
  const ports = text
    .slice(colon + 1)
    .split(',')
    .map(Number);
  return {
    index: 0,
    line: 10,
    host: name,
    hostKind: kindOf(name),
    ports,
    allowedIps: [],
    transport: 'tcp',
    inspection: null,
    ...more,
  };
}

function kindOf(name: string): EgressEndpoint['hostKind'] {
  if (name === '') return 'any';
  if (name.includes('*')) return 'pattern';
  return /^[\d.]+$/.test(name) || name.includes(':') ? 'address' : 'name';
}

export function policy(
  key: string,
  endpoints: readonly EgressEndpoint[],
  binaries: readonly EgressBinary[] = [binary('/**')],
  more: Partial<EgressPolicy> = {},
): EgressPolicy {
  return {
    key,
    name: key,
    index: 0,
    line: 5,
    binaries,
    endpoints: endpoints.map((one, index) => ({ ...one, index })),
    ...more,
  };
}

export function table(policies: readonly EgressPolicy[], mode: EgressTable['mode'] = 'proxy'): EgressTable {
  return { mode, proxyPort: 3128, pin: 'connect', policies };
}

export function identity(path: string, ancestors: readonly string[] = [], sha256 = SHA_A): BinaryIdentity {
  return {
    pid: 42,
    executable: { path, sha256 },
    ancestors: ancestors.map((ancestor) => ({ path: ancestor, sha256: SHA_B })),
  };
}
