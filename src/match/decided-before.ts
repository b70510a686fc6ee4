/**
 * The last decision about each caller, for callers that ask for one destination again and again: the requests of one
 * connection. Rules and identities are values that do not change, so the answer cannot either.
 */
import { decide } from './decide.ts';
import type { EgressIndex } from './egress-index.ts';
import type { BinaryIdentity } from './identity.ts';
import type { Query, Verdict } from './verdict.ts';

interface Decided {
  readonly index: EgressIndex;
  readonly host: string;
  readonly port: number;
  readonly verdict: Verdict;
}

/** A cache, no state: it holds one entry for each caller, and goes with it. */
const decided = new WeakMap<BinaryIdentity, Decided>();

/** As `decide`; candidates of an equal answer are the same object. */
export function decideAgain(index: EgressIndex, query: Query): Verdict {
  const { identity, host, port } = query;
  const known = decided.get(identity);
  if (known?.index === index && known.host === host.text && known.port === port) return known.verdict;
  const verdict = decide(index, query);
  decided.set(identity, { index, host: host.text, port, verdict });
  return verdict;
}
