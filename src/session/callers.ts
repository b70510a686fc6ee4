/** Whose connections the proxy accepts: processes whose connect(2) was let through, and the local addresses that they got. */

import { addressFromBytes, parseAddress } from '../base/address.ts';
import { err, type Result } from '../base/result.ts';
import { ExpectedReports } from '../egress/expected-reports.ts';
import type { IdentityProblem } from '../egress/identity.ts';
import type { Peer } from '../http/proxy.ts';
import type { Report } from '../launch/reports.ts';
import type { BinaryIdentity } from '../match/identity.ts';

export type CallerIdentity = Result<BinaryIdentity, IdentityProblem>;

/** The warden says at once what came of a connect; a supervisor that hears nothing for so long refuses. */
const REPORT_MS = 5000;
/** Addresses of callers that were not accepted yet. */
const MAX_ADDRESSES = 4096;

export class Callers {
  readonly #connecting: ExpectedReports<CallerIdentity>;
  readonly #byAddress = new Map<string, CallerIdentity[]>();

  constructor(reportMs = REPORT_MS) {
    this.#connecting = new ExpectedReports(reportMs);
  }

  /** A caller is about to connect: say so before it is let through. */
  connecting(id: bigint, identity: CallerIdentity): void {
    this.#connecting.expect(id, identity);
  }

  /** What came of it. */
  peer({ id, port, address }: Extract<Report, { kind: 'peer' }>): void {
    const identity = this.#connecting.take(id);
    if (identity !== undefined && port !== 0)
      this.#add(`${addressFromBytes(address).text} ${port}`, identity);
  }

  /**
   * Who connected from there. A connection can be accepted before the report about it arrives, and an address can be
   * that of an earlier caller: whoever was let through by now is waited for first, and two of one address are nobody.
   */
  async identityOf({ address, port }: Peer): Promise<CallerIdentity | null> {
    await this.#connecting.reported();
    const key = `${parseAddress(address)?.text} ${port}`;
    const known = this.#byAddress.get(key) ?? [];
    this.#byAddress.delete(key);
    if (known.length < 2) return known[0] ?? null;
    return err({
      reason: 'identity_unavailable',
      detail: 'several programs connected to the proxy from there',
      process: null,
    });
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#connecting.close();
  }

  #add(key: string, identity: CallerIdentity): void {
    const known = this.#byAddress.get(key);
    if (known !== undefined) known.push(identity);
    else this.#byAddress.set(key, [identity]);
    if (this.#byAddress.size > MAX_ADDRESSES) this.#byAddress.delete(this.#byAddress.keys().next().value!);
  }
}
