/** Whose connections the proxy accepts: processes whose connect(2) was let through, and the local addresses that they got. */

import { addressFromBytes, parseAddress } from '../base/address.ts';
import { err, type Result } from '../base/result.ts';
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
  readonly #reportMs: number;
  readonly #connecting = new Map<
    bigint,
    { readonly identity: CallerIdentity; readonly settle: () => void; readonly settled: Promise<void> }
  >();
  readonly #byAddress = new Map<string, CallerIdentity[]>();

  constructor(reportMs = REPORT_MS) {
    this.#reportMs = reportMs;
  }

  /** A caller is about to connect: say so before it is let through. */
  connecting(id: bigint, identity: CallerIdentity): void {
    const { promise: settled, resolve: settle } = withResolvers();
    this.#connecting.set(id, { identity, settle, settled });
  }

  /** What came of it. */
  peer({ id, port, address }: Extract<Report, { kind: 'peer' }>): void {
    const caller = this.#connecting.get(id);
    if (caller === undefined) return;
    this.#connecting.delete(id);
    if (port !== 0) this.#add(`${addressFromBytes(address).text} ${port}`, caller.identity);
    caller.settle();
  }

  /**
   * Who connected from there. A connection can be accepted before the report about it arrives, and an address can be
   * that of an earlier caller: whoever was let through by now is waited for first, and two of one address are nobody.
   */
  async identityOf({ address, port }: Peer): Promise<CallerIdentity | null> {
    await this.#reported();
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
    for (const { settle } of this.#connecting.values()) settle();
    this.#connecting.clear();
  }

  #add(key: string, identity: CallerIdentity): void {
    const known = this.#byAddress.get(key);
    if (known !== undefined) known.push(identity);
    else this.#byAddress.set(key, [identity]);
    if (this.#byAddress.size > MAX_ADDRESSES) this.#byAddress.delete(this.#byAddress.keys().next().value!);
  }

  async #reported(): Promise<void> {
    if (this.#connecting.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#reportMs);
    });
    await Promise.race([Promise.all([...this.#connecting.values()].map(({ settled }) => settled)), late]);
    clearTimeout(timer);
  }
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
