/** What all WebSocket connections of a sandbox have together, so that many of them need no more than a few. */
import { Slots } from '../../egress/slots.ts';
import { WEBSOCKET_LIMITS, type WebSocketLimits } from './limits.ts';

/** Bytes that may be held at once. */
export class MemoryBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** False: there is no room, and nothing was taken. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }

  get left(): number {
    return this.#left;
  }
}

export class SharedByWebSockets {
  readonly limits: WebSocketLimits;
  readonly memory: MemoryBudget;
  /** Turns of zlib: a context costs up to 256 KiB while it works. */
  readonly compression: Slots;

  constructor(limits: Partial<WebSocketLimits> = {}) {
    this.limits = { ...WEBSOCKET_LIMITS, ...limits };
    this.memory = new MemoryBudget(this.limits.heldMessageBytes);
    this.compression = new Slots(this.limits.compressing, this.limits.compressQueue);
  }
}
