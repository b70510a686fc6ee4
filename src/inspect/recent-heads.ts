/** Facts of heads that come again and again: polls, calls of one method, questions to one model. */
import type { Result } from '../base/result.ts';
import { MAX_REPEATED } from '../match/decided-before.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import { type RequestHead, requestFacts } from './request-facts.ts';
import type { RequestProblem } from './request-problem.ts';

type Read = Result<RequestFacts, RequestProblem>;

const MAX_HEADS = 512;
/** A cache, no state: what is read of a head depends on nothing else, and does not change. */
const heads = new Map<string, { readonly method: string; readonly read: Read }>();

/** As `requestFacts`; equal heads that are not long have the same object. */
export function requestFactsAgain(head: RequestHead): Read {
  const { method, target } = head;
  const known = heads.get(target);
  if (known?.method === method) return known.read;
  const read = requestFacts(head);
  if (target.length > MAX_REPEATED) return read;
  if (heads.size >= MAX_HEADS) heads.clear();
  heads.set(target, { method, read });
  return read;
}
