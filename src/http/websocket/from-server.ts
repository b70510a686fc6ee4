/** What a server sends: frames pass as they come, or text is held for a moment so that what is secret can be masked. */
import type { Result } from '../../base/result.ts';
import { type FrameHead, OPCODE } from '../../inspect/websocket/frame.ts';
import type { SharedByWebSockets } from './budget.ts';
import { type DataToken, Direction, type Told } from './direction.ts';
import type { Outlet, Wait } from './outlet.ts';
import { type Failure, WholeMessage } from './whole-message.ts';

/** A whole message, in UTF-8, to what the client gets; null: the same. */
export type MaskText = (text: Buffer) => Buffer | null;

export class FromServer extends Direction {
  readonly #mask: MaskText | null;
  readonly #text: WholeMessage;
  #inText = false;
  #onFrameEnd: (() => void) | null = null;

  constructor(
    options: {
      readonly mask: MaskText | null;
      readonly deflate: boolean;
      readonly shared: SharedByWebSockets;
    },
    client: Outlet,
    told: Told,
  ) {
    super({ masked: false, deflate: options.deflate }, client, told);
    this.#mask = options.mask;
    this.#text = new WholeMessage(options.shared, (failure) => told.broken(failure));
  }

  /** Nothing goes on any more, but for the rest of a frame that the client has in part. @param then the client can be written to */
  stop(then: () => void): void {
    this.#text.done();
    if (this.passing === 'all' && this.outlet.midFrame) {
      this.#onFrameEnd ??= then;
      return;
    }
    this.passing = 'nothing';
    then();
  }

  protected override takeData(token: DataToken): Wait {
    if (token.kind === 'head') return this.#begin(token.head);
    if (token.kind === 'payload')
      return this.#inText ? this.#add(token.bytes) : this.outlet.piece(token.bytes);
    if (this.#onFrameEnd !== null) {
      this.passing = 'nothing';
      this.#onFrameEnd();
      return undefined;
    }
    return this.#inText && token.fin ? this.#complete() : undefined;
  }

  protected override usedUp(): void {
    this.#text.wait();
  }

  #begin(head: FrameHead): Wait {
    if (head.opcode !== OPCODE.continuation)
      this.#inText = this.#mask !== null && head.opcode === OPCODE.text;
    if (!this.#inText) return this.outlet.begin(head);
    const failure = this.#text.frame(head);
    return failure === null ? undefined : this.told.broken(failure);
  }

  #add(bytes: Uint8Array): Wait {
    const failure = this.#text.add(bytes);
    return failure === null ? undefined : this.told.broken(failure);
  }

  #complete(): Wait {
    const text = this.#text.complete();
    return text instanceof Promise ? text.then((whole) => this.#send(whole)) : this.#send(text);
  }

  /** What is not changed goes on as it came, compressed or not. */
  #send(text: Result<Buffer, Failure>): Wait {
    if (this.passing !== 'all') return this.#text.done();
    if (!text.ok) return this.told.broken(text.error);
    const masked = this.#mask!(text.value);
    const head = { fin: true, rsv1: masked === null && this.#text.compressed, opcode: OPCODE.text };
    const wait = this.outlet.frame(head, masked ?? this.#text.payload);
    if (wait === undefined) return this.#text.done();
    return wait.then(() => this.#text.done());
  }
}
