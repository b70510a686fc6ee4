/** "May this program reach this host and port?", and the answer, before any address is known. */
import type { EgressBinary, EgressEndpoint } from '../plan/plan.ts';
import type { Host } from './host.ts';
import type { BinaryIdentity } from './identity.ts';
import type { AddressPlan } from './judge-address.ts';

export interface Destination {
  readonly host: Host;
  /** 1 to 65535. */
  readonly port: number;
}

export interface Query extends Destination {
  readonly identity: BinaryIdentity;
}

/** Reasons of src/event/event.ts that a destination and an identity alone can give. */
export type DenyReason = 'network_off' | 'no_policies' | 'endpoint_not_listed' | 'binary_not_listed';

/** What an event names: the policy's key, the endpoint's index in it, its line in the policy file. */
export interface RuleReference {
  readonly policy: string;
  readonly index: number | null;
  readonly line: number | null;
}

/** One endpoint that allows the connection, if its addresses do too. */
export interface Candidate {
  readonly rule: RuleReference;
  /** The policy's name for people. */
  readonly policyName: string;
  readonly endpoint: EgressEndpoint;
  readonly addressPlan: AddressPlan;
  /** The entry of `binaries` that granted it, and the path of the program that matched; null in `decideForAny`. */
  readonly granted: { readonly binary: EgressBinary; readonly path: string } | null;
}

export type Verdict =
  | { readonly kind: 'allow'; readonly candidates: readonly [Candidate, ...Candidate[]] }
  | Denial;

export interface Denial {
  readonly kind: 'deny';
  readonly reason: DenyReason;
  /** For people: a clause without a full stop that names the nearest misses. */
  readonly message: string;
  /** The rule that came nearest, or null. */
  readonly rule: RuleReference | null;
}
