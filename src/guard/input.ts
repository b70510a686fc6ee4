/** What a guardrail is told: of a connection, or of a request on one. */
import type { Host } from '../match/host.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import type { GuardInput, GuardRequest } from './guard.ts';

export interface Asking {
  readonly identity: BinaryIdentity;
  readonly host: Host;
  readonly port: number;
}

export function connectInput({ identity, host, port }: Asking): GuardInput {
  const { executable, ancestors } = identity;
  return {
    exec: {
      path: executable.path,
      sha256: executable.sha256,
      ancestors: ancestors.map(({ path }) => path),
      cmdline_paths: [],
    },
    network: { host: host.text, port },
  };
}

/** @param body what protocols beyond plain requests know of it */
export function requestInput(
  asking: Asking,
  { method, path, query }: Pick<RequestFacts, 'method' | 'path' | 'query'>,
  body: Partial<Pick<GuardRequest, 'graphql' | 'jsonrpc'>> = {},
): GuardInput {
  // From entries: `__proto__` is a name like any other.
  const query_params = Object.fromEntries(query);
  return {
    ...connectInput(asking),
    request: { method, path, query_params, graphql: null, jsonrpc: null, ...body },
  };
}
