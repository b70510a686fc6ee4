/** Whose connections the proxy accepts: processes whose connect(2) was let through, and the local addresses that they got. */

import { addressFromBytes, parseAddress } from '../base/address.ts';
import { err, type Result } from '../base/result.ts';
import { ExpectedReports } from '../egress/expected-reports.ts';
import type { IdentityProblem } from '../egress/identity.ts';
import type { Caller, Peer } from '../http/proxy.ts';
import type { Report } from '../launch/reports.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import type { Destination } from '../match/verdict.ts';

export type CallerIdentity = Result<BinaryIdentity, IdentityProblem>;

/** The warden says at once what came of a connect; a supervisor that hears nothing for so long refuses. */
const REPORT_MS = 5000;
/** Addresses of callers that were not accepted yet. */
const MAX_ADDRESSES = 4096;

export class Callers {
  readonly #connecting: ExpectedReports<Caller>;
  readonly #byAddress = new Map<string, Caller[]>();

  constructor(reportMs = REPORT_MS) {
    this.#connecting = new ExpectedReports(reportMs);
  }

  /**
   * A caller is about to connect: say so before it is let through.
   * @param intended where it means to go, when that is not the proxy
   */
  connecting(id: bigint, identity: CallerIdentity, intended: Destination | null = null): void {
    this.#connecting.expect(id, { identity, intended });
  }

  /** What came of it. */
  peer({ id, port, address }: Extract<Report, { kind: 'peer' }>): void {
    const caller = this.#connecting.take(id);
    if (caller !== undefined && port !== 0) this.#add(`${addressFromBytes(address).text} ${port}`, caller);
  }

  /**
   * Who connected from there. A connection can be accepted before the report about it arrives, and an address can be
   * that of an earlier caller: whoever was let through by now is waited for first, and two of one address are nobody.
   */
  async callerOf({ address, port }: Peer): Promise<Caller | null> {
    await this.#connecting.reported();
    const key = `${parseAddress(address)?.text} ${port}`;
    const known = this.#byAddress.get(key) ?? [];
    this.#byAddress.delete(key);
    if (known.length < 2) return known[0] ?? null;
    const detail = 'several programs connected to the proxy from there';
    return { identity: err({ reason: 'identity_unavailable', detail, process: null }), intended: null };
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#connecting.close();
  }

  #add(key: string, caller: Caller): void {
    const known = this.#byAddress.get(key);
    if (known !== undefined) known.push(caller);
    else this.#byAddress.set(key, [caller]);
    if (this.#byAddress.size > MAX_ADDRESSES) this.#byAddress.delete(this.#byAddress.keys().next().value!);
  }
}
