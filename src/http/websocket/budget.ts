/** What all WebSocket connections of a sandbox have together, so that many of them need no more than a few. */
import { Slots } from '../../egress/slots.ts';
import type { HeldBytes } from '../inspected/content.ts';
import { WEBSOCKET_LIMITS, type WebSocketLimits } from './limits.ts';

export class SharedByWebSockets {
  readonly limits: WebSocketLimits;
  /** Messages that are held count as bodies do. */
  readonly memory: HeldBytes;
  /** Turns of zlib: a context costs up to 256 KiB while it works. */
  readonly compression: Slots;

  constructor(memory: HeldBytes, limits: Partial<WebSocketLimits> = {}) {
    this.memory = memory;
    this.limits = { ...WEBSOCKET_LIMITS, ...limits };
    this.compression = new Slots(this.limits.compressing, this.limits.compressQueue);
  }
}
