/** What was allowed and goes on, as far as a later policy can put an end to it. The same for whatever carries it. */
import type { Address } from '../base/address.ts';
import { decide } from '../match/decide.ts';
import type { EgressIndex } from '../match/egress-index.ts';
import type { Host } from '../match/host.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import { isInspected } from '../match/inspected.ts';
import type { Candidate } from '../match/verdict.ts';
import type { Destinations } from './destination.ts';

export interface Standing {
  readonly host: Host;
  readonly port: number;
  /** The one that it leads to. */
  readonly address: Address;
  readonly identity: BinaryIdentity;
  /** Its requests are judged one by one, each by the policy of its time. */
  readonly inspected: boolean;
}

/**
 * The endpoint by which it may go on, or null. What nobody looks into ends where the policy wants to look; what is looked
 * into may go on where it need not be.
 */
export function stillAllowed(
  index: EgressIndex,
  destinations: Pick<Destinations, 'keeps'>,
  { host, port, address, identity, inspected }: Standing,
): Candidate | null {
  const verdict = decide(index, { host, port, identity });
  if (verdict.kind === 'deny' || (isInspected(verdict.candidates) && !inspected)) return null;
  const kept = destinations.keeps(host, port, verdict.candidates, address);
  return kept.ok ? kept.value : null;
}
