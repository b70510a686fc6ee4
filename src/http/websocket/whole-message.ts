/** A message that is read as a whole before any of it goes on: put together, decompressed, looked at for UTF-8. */
import { isUtf8 } from 'node:buffer';
import { err, ok, type Result } from '../../base/result.ts';
import { type FrameHead, OPCODE } from '../../inspect/websocket/frame.ts';
import type { SharedByWebSockets } from './budget.ts';
import { inflateMessage } from './compression.ts';
import { MessageBuffer, type MessageProblem } from './message-buffer.ts';

/** Why a connection ends: a close code (RFC 6455, section 7.4.1, and IANA's registry) and a clause. */
export interface Failure {
  readonly code: 1002 | 1007 | 1009 | 1011 | 1013;
  readonly detail: string;
}

const PROBLEMS: Readonly<Record<MessageProblem, Failure>> = {
  too_large: { code: 1009, detail: 'the message is too large to be read' },
  too_many_fragments: { code: 1009, detail: 'the message has too many fragments to be read' },
  no_room: { code: 1013, detail: 'too many messages are being read' },
};
const NOT_UTF8: Failure = { code: 1007, detail: 'a text message is not UTF-8' };
const NOT_DEFLATE: Failure = { code: 1007, detail: 'a message cannot be decompressed' };

export class WholeMessage {
  readonly #shared: SharedByWebSockets;
  readonly #onLate: (failure: Failure) => void;
  readonly #buffer: MessageBuffer;
  /** Its frames have begun, and not ended. */
  #underWay = false;
  #compressed = false;
  #isText = false;
  /** Bytes of a message of one frame. */
  #expected: number | null = null;
  #piece: Buffer | null = null;
  #inflated = 0;
  #silence: NodeJS.Timeout | null = null;
  #whole: NodeJS.Timeout | null = null;

  /** @param onLate the rest of a message has not come in time */
  constructor(shared: SharedByWebSockets, onLate: (failure: Failure) => void) {
    this.#shared = shared;
    this.#onLate = onLate;
    this.#buffer = new MessageBuffer(shared);
  }

  get compressed(): boolean {
    return this.#compressed;
  }

  /** The payload as it came. */
  get payload(): Buffer {
    return this.#piece ?? this.#buffer.message;
  }

  frame({ opcode, rsv1, length, fin }: FrameHead): Failure | null {
    if (opcode !== OPCODE.continuation) {
      this.#compressed = rsv1;
      this.#isText = opcode === OPCODE.text;
    }
    this.#underWay = true;
    this.#expected = opcode !== OPCODE.continuation && fin ? length : null;
    const problem = this.#buffer.beginFrame(length);
    return problem === null ? null : PROBLEMS[problem];
  }

  /** `piece` is not used by anybody else until `done`. */
  add(piece: Uint8Array): Failure | null {
    // Most messages come in one piece, which need not be copied.
    if (piece.length === this.#expected) {
      this.#piece = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      return null;
    }
    const problem = this.#buffer.add(piece);
    return problem === null ? null : PROBLEMS[problem];
  }

  /** What came is used up: when there is a message under way, its rest must not take too long. */
  wait(): void {
    if (!this.#underWay) return;
    if (this.#silence === null) this.#startTimers();
    else this.#silence.refresh();
  }

  /** What the message says, which has come to its end. It stays until `done`. */
  complete(): Result<Buffer, Failure> | Promise<Result<Buffer, Failure>> {
    this.#underWay = false;
    this.#stopTimers();
    return this.#compressed ? this.#inflate() : this.#checked(this.payload);
  }

  /** Gives back what the message took. */
  done(): undefined {
    this.#underWay = false;
    this.#piece = null;
    this.#stopTimers();
    this.#buffer.clear();
    this.#shared.memory.give(this.#inflated);
    this.#inflated = 0;
  }

  async #inflate(): Promise<Result<Buffer, Failure>> {
    const { memory, compression, limits } = this.#shared;
    const turn = compression.run(() => inflateMessage(this.payload, limits.messageBytes));
    if (turn === null) return err(PROBLEMS.no_room);
    const inflated = await turn;
    if (!inflated.ok) return err(inflated.error === 'too_large' ? PROBLEMS.too_large : NOT_DEFLATE);
    if (!memory.take(inflated.value.length)) return err(PROBLEMS.no_room);
    this.#inflated = inflated.value.length;
    return this.#checked(inflated.value);
  }

  #checked(message: Buffer): Result<Buffer, Failure> {
    return !this.#isText || isUtf8(message) ? ok(message) : err(NOT_UTF8);
  }

  #startTimers(): void {
    const { messageMs, messageIdleMs } = this.#shared.limits;
    const late = (): void =>
      this.#onLate({ code: 1002, detail: 'the rest of a message has not come in time' });
    this.#whole = setTimeout(late, messageMs);
    this.#silence = setTimeout(late, messageIdleMs);
  }

  #stopTimers(): void {
    if (this.#whole === null) return;
    clearTimeout(this.#whole);
    clearTimeout(this.#silence ?? undefined);
    this.#whole = null;
    this.#silence = null;
  }
}
