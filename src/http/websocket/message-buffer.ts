/** One message as it comes in: copied once, never more than a limit, and counted for all connections together. */
import type { SharedByWebSockets } from './budget.ts';

export type MessageProblem = 'too_large' | 'too_many_fragments' | 'no_room';

const FIRST_BYTES = 1024;
const EMPTY = Buffer.alloc(0);

export class MessageBuffer {
  readonly #shared: SharedByWebSockets;
  #bytes: Buffer = EMPTY;
  #length = 0;
  #fragments = 0;

  constructor(shared: SharedByWebSockets) {
    this.#shared = shared;
  }

  /** Before the payload of each frame; `length` is what its head says. */
  beginFrame(length: number): MessageProblem | null {
    this.#fragments += 1;
    if (this.#fragments > this.#shared.limits.fragments) return 'too_many_fragments';
    return this.#length + length > this.#shared.limits.messageBytes ? 'too_large' : null;
  }

  add(piece: Uint8Array): MessageProblem | null {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) {
      const size = Math.max(
        needed,
        Math.min(this.#bytes.length * 2, this.#shared.limits.messageBytes),
        FIRST_BYTES,
      );
      if (!this.#shared.memory.take(size - this.#bytes.length)) return 'no_room';
      const larger = Buffer.allocUnsafeSlow(size);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = needed;
    return null;
  }

  get message(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Ready for the next message. */
  clear(): void {
    this.#length = 0;
    this.#fragments = 0;
    if (this.#bytes.length === 0) return;
    this.#shared.memory.give(this.#bytes.length);
    this.#bytes = EMPTY;
  }
}
