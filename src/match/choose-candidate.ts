/** Which of the endpoints that allow a name also allows the addresses that the name has now. */

import type { Address, Cidr } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type AddressProblem, judgeAddress } from './judge-address.ts';
import type { Candidate } from './verdict.ts';

export interface AddressRefusal {
  readonly problem: AddressProblem;
  /** The endpoint that refused: the first in order. */
  readonly candidate: Candidate;
}

/**
 * The first candidate for which every address passes. One bad address refuses them all, since a program could be led
 * to any of them. `addresses` must not be empty.
 */
export function chooseCandidate(
  candidates: readonly [Candidate, ...Candidate[]],
  addresses: readonly Address[],
  port: number,
  nat64: readonly Cidr[] = [],
): Result<Candidate, AddressRefusal> {
  let refusal: AddressRefusal | null = null;
  for (const candidate of candidates) {
    const problem = firstProblem(candidate, addresses, port, nat64);
    if (problem === null) return ok(candidate);
    refusal ??= { problem, candidate };
  }
  return err(refusal!);
}

function firstProblem(
  candidate: Candidate,
  addresses: readonly Address[],
  port: number,
  nat64: readonly Cidr[],
): AddressProblem | null {
  for (const address of addresses) {
    const problem = judgeAddress(address, candidate.addressPlan, port, nat64);
    if (problem !== null) return problem;
  }
  return null;
}
