/** What a guardrail is told: of a connection, or of a request on one. */
import type { Host } from '../match/host.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import type { GuardInput, GuardRequest } from './guard.ts';

export type GuardedFacts = Pick<RequestFacts, 'method' | 'path' | 'query' | 'asked'>;

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

/** Calls of one request, each a question: a batch of JSON-RPC holds several. */
const MAX_QUESTIONS = 64;

/** What is asked about one request, all of which must be allowed. Null: it asks for too much at once. */
export function requestInputs(asking: Asking, facts: GuardedFacts): readonly GuardInput[] | null {
  const items = facts.asked?.kind === 'items' ? facts.asked.items : [];
  const calls = items.filter((item) => item.kind === 'call');
  if (calls.length > MAX_QUESTIONS) return null;
  const operations = items
    .filter((item) => item.kind === 'operation')
    .map(({ type, name, fields }) => ({ operation_type: type, operation_name: name, fields }));
  const input: GuardInput & { readonly request: GuardRequest } = {
    ...connectInput(asking),
    request: {
      method: facts.method,
      path: facts.path,
      // From entries: `__proto__` is a name like any other.
      query_params: Object.fromEntries(facts.query),
      graphql: operations.length === 0 ? null : { operations },
      jsonrpc: null,
    },
  };
  if (calls.length === 0) return [input];
  return calls.map(({ method, tool }) => ({
    ...input,
    request: { ...input.request, jsonrpc: { method, tool } },
  }));
}
