/**
 * The last decisions about each caller, for callers that ask for one destination again and again, and for the same things
 * there: the requests of one connection. Rules, identities and facts are values that do not change, so the answer cannot
 * either.
 */
import { decide } from './decide.ts';
import { decideRequest, type RequestQuery } from './decide-request.ts';
import type { EgressIndex } from './egress-index.ts';
import type { BinaryIdentity } from './identity.ts';
import type { RequestFacts } from './request-facts.ts';
import type { RequestVerdict } from './request-verdict.ts';
import type { Query, Verdict } from './verdict.ts';

/** Characters of the target of a request that is worth remembering: those with much in them seldom come twice. */
export const MAX_REPEATED = 512;

/** Requests that a caller's decisions are kept of. */
const MAX_REQUESTS = 128;

interface Place {
  readonly index: EgressIndex;
  readonly host: string;
  readonly port: number;
}

interface Decided extends Place {
  readonly verdict: Verdict;
}

interface DecidedRequests extends Place {
  readonly verdicts: Map<RequestFacts, RequestVerdict>;
}

/** A cache, no state: it holds one entry for each caller, and goes with it. */
const decided = new WeakMap<BinaryIdentity, Decided>();

/** As `decide`; candidates of an equal answer are the same object. */
export function decideAgain(index: EgressIndex, query: Query): Verdict {
  const { identity, host, port } = query;
  const known = decided.get(identity);
  if (known !== undefined && isAbout(known, index, query)) return known.verdict;
  const verdict = decide(index, query);
  decided.set(identity, { index, host: host.text, port, verdict });
  return verdict;
}

/** The same of requests, as far as their heads say all. */
const decidedRequests = new WeakMap<BinaryIdentity, DecidedRequests>();

/** As `decideRequest`; facts are known again by being the same object. */
export function decideRequestAgain(index: EgressIndex, query: RequestQuery): RequestVerdict {
  const { identity, facts, host, port } = query;
  if (facts.asked !== null || facts.target.length > MAX_REPEATED) return decideRequest(index, query);
  let known = decidedRequests.get(identity);
  if (known === undefined || !isAbout(known, index, query)) {
    known = { index, host: host.text, port, verdicts: new Map() };
    decidedRequests.set(identity, known);
  }
  let verdict = known.verdicts.get(facts);
  if (verdict === undefined) {
    verdict = decideRequest(index, query);
    if (known.verdicts.size >= MAX_REQUESTS) known.verdicts.clear();
    known.verdicts.set(facts, verdict);
  }
  return verdict;
}

const isAbout = (known: Place, index: EgressIndex, { host, port }: Query): boolean =>
  known.index === index && known.port === port && known.host === host.text;
