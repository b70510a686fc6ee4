/**
 * Datagrams to endpoints with `protocol: udp`. The workload sends them inside, to the synthetic address of a name or to a
 * real address that an endpoint names, where a socket of ours takes them; whose they are is known by the port that they come from, which the launcher told when the
 * sender was judged. What comes from elsewhere goes nowhere.
 */
import { type Address, addressFromBytes, parseAddress } from '../base/address.ts';
import { DatagramFlow, type Source } from './datagram-flow.ts';
import { DATAGRAM_LIMITS, type DatagramLimits } from './datagram-limits.ts';
import type { Target } from './destination.ts';
import { ExpectedReports } from './expected-reports.ts';
import type { InnerSocket, MakeInnerSocket } from './inner-socket.ts';
import type { Standing } from './standing.ts';

interface Inner {
  readonly socket: InnerSocket;
  readonly flows: Map<string, DatagramFlow>;
}

interface Opening {
  readonly inner: Inner;
  readonly target: Target;
  readonly standing: Standing;
}

interface Place {
  readonly inner: Inner;
  readonly key: string;
  readonly standing: Standing;
}

export class DatagramRelay {
  readonly #makeSocket: MakeInnerSocket;
  readonly #limits: DatagramLimits;
  readonly #inner = new Map<string, Promise<Inner | null>>();
  readonly #opening: ExpectedReports<Opening>;
  /** Least recently admitted first. */
  readonly #flows = new Map<DatagramFlow, Place>();
  /** What the policy that holds now says about what was admitted by an earlier one; null: there was none. */
  #mayGoOn: ((standing: Standing) => boolean) | null = null;
  #held = 0;
  #closed = false;

  constructor(makeSocket: MakeInnerSocket, limits: DatagramLimits = DATAGRAM_LIMITS) {
    this.#makeSocket = makeSocket;
    this.#limits = limits;
    this.#opening = new ExpectedReports(limits.launcherMs);
  }

  /** The caller `id` may send to `target` by the address and port inside. Say so before it is let through. */
  async admit(
    id: bigint,
    address: Address,
    port: number,
    target: Target,
    standing: Standing,
  ): Promise<boolean> {
    const inner = await this.#at(address, port);
    if (inner === null || this.#closed) return false;
    this.#opening.expect(id, { inner, target, standing });
    return true;
  }

  /** The local address of the caller's socket; port 0: it does not send after all. */
  peer(id: bigint, address: Uint8Array, port: number): void {
    const opening = this.#opening.take(id);
    if (opening === undefined || port === 0 || this.#mayGoOn?.(opening.standing) === false) return;
    this.#open(opening, keyOf(addressFromBytes(address), port));
  }

  /** Another policy holds: ends what it does not allow, also what was admitted and has sent nothing yet. Says how many. */
  keepOnly(mayGoOn: (standing: Standing) => boolean): number {
    this.#mayGoOn = mayGoOn;
    const ended = [...this.#flows].filter(([, { standing }]) => !mayGoOn(standing));
    for (const [flow, place] of ended) this.#end(flow, place);
    return ended.length;
  }

  close(): void {
    this.#closed = true;
    this.#opening.close();
    for (const flow of this.#flows.keys()) flow.close();
    for (const inner of this.#inner.values()) void inner.then((one) => one?.socket.close());
  }

  #open({ inner, target, standing }: Opening, key: string): void {
    const known = inner.flows.get(key);
    if (known !== undefined) {
      this.#flows.delete(known);
      if (sameTarget(known.target, target)) {
        this.#flows.set(known, { inner, key, standing });
        return;
      }
      known.close();
    }
    const answer = (message: Buffer, to: Source): void => {
      if (!this.#closed) inner.socket.send(message, to);
    };
    const flow = new DatagramFlow(target, answer, this.#limits);
    inner.flows.set(key, flow);
    this.#flows.set(flow, { inner, key, standing });
    if (this.#flows.size > this.#limits.flows) this.#forget();
  }

  #forget(): void {
    const [[flow, place]] = this.#flows as unknown as [[DatagramFlow, Place]];
    this.#end(flow, place);
  }

  #end(flow: DatagramFlow, { inner, key }: Place): void {
    this.#flows.delete(flow);
    inner.flows.delete(key);
    flow.close();
  }

  #at(address: Address, port: number): Promise<Inner | null> {
    const name = `${address.text} ${port}`;
    const known = this.#inner.get(name);
    if (known !== undefined) return known;
    if (this.#inner.size >= this.#limits.sockets) return Promise.resolve(null);
    const made = this.#makeInner(address, port).then((inner) => {
      if (inner === null) this.#inner.delete(name); // asked for anew by the next caller
      return inner;
    });
    this.#inner.set(name, made);
    return made;
  }

  async #makeInner(address: Address, port: number): Promise<Inner | null> {
    const flows = new Map<string, DatagramFlow>();
    const socket = await this.#makeSocket(address, port, (message, source) => {
      if (socket !== null) void this.#receive({ socket, flows }, message, source);
    });
    if (socket === null || !this.#closed) return socket === null ? null : { socket, flows };
    socket.close();
    return null;
  }

  async #receive(inner: Inner, message: Buffer, source: Source): Promise<void> {
    let flow = flowOf(inner, source);
    if (flow === undefined && this.#opening.size > 0 && this.#held < this.#limits.held) {
      this.#held += 1;
      await this.#opening.reported();
      this.#held -= 1;
      flow = flowOf(inner, source);
    }
    if (!this.#closed) flow?.send(message, source);
  }
}

/** A socket that is bound to no address sends from whichever suits the destination. */
const keyOf = (address: Address, port: number): string =>
  address.value === 0n ? `* ${port}` : `${address.text} ${port}`;

function flowOf({ flows }: Inner, { address, port }: Source): DatagramFlow | undefined {
  return flows.get(`${parseAddress(address)?.text} ${port}`) ?? flows.get(`* ${port}`);
}

const sameTarget = (a: Target, b: Target): boolean => a.port === b.port && a.address.text === b.address.text;
