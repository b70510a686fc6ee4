/** Writes frames to one side, masked afresh towards a server, and says when to wait. */
import { randomFillSync } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type ControlOpcode, type FrameHead, headBytes } from '../../inspect/websocket/frame.ts';
import { applyMask } from '../../inspect/websocket/mask.ts';

/** Head and payload of this many bytes are put together; larger payloads are not copied. */
const JOINED_BYTES = 16 * 1024;

export type Wait = Promise<void> | undefined;

export class Outlet {
  readonly #socket: Duplex;
  readonly #masks: boolean;
  #mask: Uint8Array | null = null;
  /** The head of a streamed frame that waits for its first piece. */
  #head: Uint8Array | null = null;
  #length = 0;
  #remaining = 0;
  #closed = false;

  constructor(socket: Duplex, options: { readonly masks: boolean }) {
    this.#socket = socket;
    this.#masks = options.masks;
  }

  /** A frame is sent in part, so that nothing else can be. */
  get midFrame(): boolean {
    return this.#remaining > 0 && this.#head === null;
  }

  /** A close frame was sent, after which there is nothing to send. */
  get closed(): boolean {
    return this.#closed;
  }

  /** A whole frame. The payload is masked in place where frames are masked. */
  frame({ fin, rsv1, opcode }: Omit<FrameHead, 'length'>, payload: Uint8Array): Wait {
    const wait = this.begin({ fin, rsv1, opcode, length: payload.length });
    return payload.length === 0 ? wait : this.piece(payload);
  }

  control(opcode: ControlOpcode, payload: Uint8Array): Wait {
    const wait = this.frame({ fin: true, rsv1: false, opcode }, Uint8Array.from(payload));
    if (opcode === 8) this.#closed = true;
    return wait;
  }

  /** The head of a frame whose payload comes piece by piece. */
  begin(head: FrameHead): Wait {
    this.#mask = this.#masks ? freshMask() : null;
    this.#length = head.length;
    this.#remaining = head.length;
    const bytes = headBytes(head, this.#mask);
    this.#head = null;
    if (head.length > 0) {
      this.#head = bytes;
      return undefined;
    }
    this.#write(bytes);
    return this.#drain();
  }

  /** Masked in place where frames are masked. */
  piece(bytes: Uint8Array): Wait {
    if (this.#mask !== null) applyMask(bytes, this.#mask, (this.#length - this.#remaining) % 4);
    this.#remaining -= bytes.length;
    const head = this.#head;
    this.#head = null;
    if (head === null) this.#write(bytes);
    else if (bytes.length <= JOINED_BYTES) this.#write(Buffer.concat([head, bytes]));
    else {
      this.#write(head);
      this.#write(bytes);
    }
    return this.#drain();
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  #write(bytes: Uint8Array): void {
    if (this.#socket.writable && !this.#closed) this.#socket.write(bytes);
  }

  /** Once the side takes more, or is gone. */
  #drain(): Wait {
    const socket = this.#socket;
    if (!socket.writableNeedDrain || socket.destroyed) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }
}

const pool = new Uint8Array(4096);
let used = pool.length;

/** Nobody may foresee it (RFC 6455, section 10.3). */
function freshMask(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 4;
  return pool.slice(used - 4, used);
}
