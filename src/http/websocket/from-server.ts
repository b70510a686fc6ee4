/** What a server sends: frames pass as they come, or are looked through so that what is secret can be masked. */
import type { Result } from '../../base/result.ts';
import { type FrameHead, OPCODE } from '../../inspect/websocket/frame.ts';
import type { SharedByWebSockets } from './budget.ts';
import { type DataToken, Direction, type Told } from './direction.ts';
import type { Outlet, Wait } from './outlet.ts';
import { type Failure, WholeMessage } from './whole-message.ts';

/** What the client must not see becomes as many other bytes. */
export interface MaskServer {
  /** A whole message; null: there is nothing to mask. */
  message(whole: Buffer): Buffer | null;
  /** One message that comes in pieces, of which some may be held back. */
  pieces(): MaskPieces;
}

interface MaskPieces {
  push(piece: Buffer): Buffer;
  end(): Buffer;
}

/** How a message goes on: as it comes, as a whole, or in frames of ours. */
type Way = 'as it comes' | 'whole' | 'in pieces';

export class FromServer extends Direction {
  readonly #mask: MaskServer | null;
  readonly #message: WholeMessage;
  #way: Way = 'as it comes';
  #opcode: FrameHead['opcode'] = OPCODE.continuation;
  #pieces: MaskPieces | null = null;
  #onFrameEnd: (() => void) | null = null;

  constructor(
    options: {
      readonly mask: MaskServer | null;
      readonly deflate: boolean;
      readonly shared: SharedByWebSockets;
    },
    client: Outlet,
    told: Told,
  ) {
    super({ masked: false, deflate: options.deflate }, client, told);
    this.#mask = options.mask;
    this.#message = new WholeMessage(options.shared, (failure) => told.broken(failure));
  }

  /** Nothing goes on any more, but for the rest of a frame that the client has in part. @param then the client can be written to */
  stop(then: () => void): void {
    this.#message.done();
    if (this.passing === 'all' && this.outlet.midFrame) {
      this.#onFrameEnd ??= then;
      return;
    }
    this.passing = 'nothing';
    then();
  }

  protected override takeData(token: DataToken): Wait {
    if (token.kind === 'head') return this.#begin(token.head);
    if (token.kind === 'payload') return this.#add(token.bytes);
    if (this.#onFrameEnd !== null) {
      this.passing = 'nothing';
      this.#onFrameEnd();
      return undefined;
    }
    return token.fin ? this.#complete() : undefined;
  }

  protected override usedUp(): void {
    this.#message.wait();
  }

  #begin(head: FrameHead): Wait {
    if (head.opcode !== OPCODE.continuation) {
      this.#way = this.#wayOf(head);
      this.#opcode = head.opcode;
      this.#pieces = this.#way === 'in pieces' ? this.#mask!.pieces() : null;
    }
    if (this.#way === 'as it comes') return this.outlet.begin(head);
    if (this.#way === 'in pieces') return undefined;
    const failure = this.#message.frame(head);
    return failure === null ? undefined : this.told.broken(failure);
  }

  /** Text can be held. Other messages may have any length; compressed ones cannot be looked through in pieces. */
  #wayOf({ opcode, rsv1 }: FrameHead): Way {
    if (this.#mask === null) return 'as it comes';
    return opcode === OPCODE.text || rsv1 ? 'whole' : 'in pieces';
  }

  #add(bytes: Uint8Array): Wait {
    if (this.#way === 'as it comes') return this.outlet.piece(bytes);
    if (this.#way === 'in pieces')
      return this.#piece(this.#pieces!.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)));
    const failure = this.#message.add(bytes);
    return failure === null ? undefined : this.told.broken(failure);
  }

  #complete(): Wait {
    if (this.#way === 'as it comes') return undefined;
    if (this.#way === 'in pieces') return this.#frame(this.#pieces!.end(), true);
    const whole = this.#message.complete();
    return whole instanceof Promise ? whole.then((message) => this.#send(message)) : this.#send(whole);
  }

  #piece(bytes: Buffer): Wait {
    return bytes.length === 0 ? undefined : this.#frame(bytes, false);
  }

  #frame(bytes: Buffer, fin: boolean): Wait {
    const head = { fin, rsv1: false, opcode: this.#opcode };
    this.#opcode = OPCODE.continuation;
    return this.outlet.frame(head, bytes);
  }

  /** What is not changed goes on as it came, compressed or not. */
  #send(message: Result<Buffer, Failure>): Wait {
    if (this.passing !== 'all') return this.#message.done();
    if (!message.ok) return this.told.broken(message.error);
    const masked = this.#mask!.message(message.value);
    const head = { fin: true, rsv1: masked === null && this.#message.compressed, opcode: this.#opcode };
    const wait = this.outlet.frame(head, masked ?? this.#message.payload);
    if (wait === undefined) return this.#message.done();
    return wait.then(() => this.#message.done());
  }
}
