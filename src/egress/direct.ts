/**
 * Connects that go past the proxy: judged as the proxy judges, by the name that the address was looked up under. What
 * is allowed is one address, checked now, that the caller gets a kernel socket to.
 */

import { type Address, addressFromBytes } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import type { Draft, Reason, RuleReference } from '../event/event.ts';
import type { Guard } from '../guard/guard.ts';
import { connectInput } from '../guard/input.ts';
import { decide, decideForAny } from '../match/decide.ts';
import type { EgressIndex } from '../match/egress-index.ts';
import { type Host, normaliseHost } from '../match/host.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import { isInspected } from '../match/inspected.ts';
import type { Destination } from '../match/verdict.ts';
import { servesInference } from '../plan/inference.ts';
import { decisionDraft, processOf } from './decision-event.ts';
import type { Destinations, Target } from './destination.ts';
import type { IdentityProblem } from './identity.ts';
import type { Standing } from './standing.ts';
import { type SyntheticAddresses, standsForName } from './synthetic.ts';

export interface DirectConnect {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
  readonly datagram: boolean;
  readonly identity: Result<BinaryIdentity, IdentityProblem>;
}

export type DirectVerdict =
  | {
      readonly kind: 'judged';
      /** Null: refused, or not to be found. */
      readonly target: Target | null;
      readonly event: Draft;
      /** What a later policy is asked about; null where there is no target. */
      readonly standing: Standing | null;
    }
  /** It may go there, and what it sends is looked at: the proxy decides, and says so. */
  | { readonly kind: 'inspected'; readonly destination: Destination };

/** The endpoints for connections, and those for datagrams. */
export interface DirectRules {
  readonly index: EgressIndex;
  readonly datagrams: EgressIndex;
}

export interface DirectOptions extends DirectRules {
  readonly destinations: Destinations;
  readonly synthetic: SyntheticAddresses;
  /** All addresses that a name was found to have. */
  readonly addressesOf: (name: string) => readonly Address[];
  /** Asked about what the rules allow; null: none. */
  readonly guard: Pick<Guard, 'evaluate'> | null;
}

export class DirectEgress {
  readonly #options: DirectOptions;
  #rules: DirectRules;

  constructor(options: DirectOptions) {
    this.#options = options;
    this.#rules = options;
  }

  /** Judges by these rules from now on. */
  useRules(rules: DirectRules): void {
    this.#rules = rules;
  }

  /** Whether some program may send datagrams there. */
  takesDatagrams(address: Address, port: number): boolean {
    const known = this.#options.synthetic.target(address);
    if (known === null && standsForName(address)) return false;
    const host = hostOf(known?.name ?? address.text);
    return decideForAny(this.#rules.datagrams, { host, port }).kind === 'allow';
  }

  async judge(connect: DirectConnect): Promise<DirectVerdict> {
    const { destinations, synthetic, addressesOf, guard } = this.#options;
    const { port, identity, datagram } = connect;
    const index = datagram ? this.#rules.datagrams : this.#rules.index;
    const named = addressFromBytes(connect.address);
    const known = synthetic.target(named);
    const real = known?.real ?? named;
    const host = hostOf(known?.name ?? named.text);
    const process = identity.ok ? processOf(identity.value) : identity.error.process;
    const facts = { via: datagram ? 'datagram' : 'direct', host: host.text, port, process } as const;
    const refuse = (reason: Reason, rule: RuleReference | null, address = real.text): DirectVerdict => ({
      kind: 'judged',
      target: null,
      event: decisionDraft({ ...facts, action: 'deny', reason, rule, address }),
      standing: null,
    });
    if (index.mode === 'block') return refuse('network_off', null);
    // Whatever the policy says of it, and whoever asks.
    if (!datagram && servesInference(index, host.text, port))
      return { kind: 'inspected', destination: { host, port } };
    if (datagram && !this.takesDatagrams(named, port)) return refuse('datagram_not_allowed', null);
    if (!identity.ok) return refuse(identity.error.reason, null);
    const verdict = decide(index, { host, port, identity: identity.value });
    if (verdict.kind === 'deny') return refuse(verdict.reason, verdict.rule);
    const inspected = isInspected(verdict.candidates);
    // What comes to the proxy is asked about there.
    const guarded = inspected
      ? null
      : await guard?.evaluate(connectInput({ identity: identity.value, host, port }));
    if (guarded?.allow === false) return refuse(guarded.reason, verdict.candidates[0].rule);
    const found = await destinations.at(
      host,
      port,
      verdict.candidates,
      real,
      known === null ? [] : addressesOf(known.name),
    );
    if (!found.ok) {
      const { reason, candidate, address } = found.error;
      if (reason !== 'upstream_unreachable' && reason !== 'name_not_resolved')
        return refuse(reason, candidate.rule, address?.text ?? real.text);
      const event = decisionDraft({ ...facts, action: 'allow', reason, rule: candidate.rule, address: null });
      return { kind: 'judged', target: null, event, standing: null };
    }
    if (inspected) return { kind: 'inspected', destination: { host, port } };
    const { target, candidate } = found.value;
    const address = target.address.text;
    const standing = { host, port, address: target.address, identity: identity.value, inspected: false };
    return {
      kind: 'judged',
      target,
      standing,
      event: decisionDraft({ ...facts, action: 'allow', reason: 'allowed', rule: candidate.rule, address }),
    };
  }
}

/** A name of the policy DNS or a canonical address: always one that can be read. */
function hostOf(text: string): Host {
  const host = normaliseHost(text);
  if (!host.ok) throw new Error(`internal error: the host ${text} ${host.error}`);
  return host.value;
}
