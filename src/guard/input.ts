/** What a guardrail is told: of a connection, or of a request on one. */
import type { Host } from '../match/host.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import { askedInputs } from './asked-input.ts';
import type { GuardInput } from './guard.ts';

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
  const asked = askedInputs(facts.asked, facts.method);
  if (asked.length > MAX_QUESTIONS) return null;
  // From entries: `__proto__` is a name like any other.
  const query_params = Object.fromEntries(facts.query);
  const { method, path } = facts;
  return asked.map((one) => ({
    ...connectInput(asking),
    request: { method, path, query_params, graphql: null, jsonrpc: null, ...one },
  }));
}
