/**
 * A WebSocket connection between a client and a server after the handshake: both directions, and the ways in which they
 * end. Neither side is read faster than the other takes it.
 */
import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { closePayload, readClose } from '../../inspect/websocket/close.ts';
import { OPCODE } from '../../inspect/websocket/frame.ts';
import type { SharedByWebSockets } from './budget.ts';
import type { Told } from './direction.ts';
import type { DeflateAgreed } from './extensions.ts';
import { type ClientRules, FromClient } from './from-client.ts';
import { FromServer, type MaskServer } from './from-server.ts';
import { Inlet } from './inlet.ts';
import { Outlet, type Wait } from './outlet.ts';
import type { Failure } from './whole-message.ts';

export interface WebSocketOptions extends ClientRules {
  readonly client: Duplex;
  /** What the client sent behind its request. */
  readonly clientHead: Buffer;
  readonly server: Duplex;
  /** What the server sent behind its answer. */
  readonly serverHead: Buffer;
  /** permessage-deflate as it was agreed on with both; null: no message may be compressed. */
  readonly deflate: DeflateAgreed | null;
  /** Needs a handshake with `readServer`. */
  readonly maskServer?: MaskServer;
  readonly shared: SharedByWebSockets;
  /** Once, when both sides are closed. */
  readonly onEnd: (end: WebSocketEnd) => void;
}

type Side = 'client' | 'server';

export interface WebSocketEnd {
  /**
   * `closed`: one side sent a close frame. `gone`: it went without. `refused`: a message was. `broken`: a side broke the
   * protocol or a limit. `stopped`: from here. `defect`: of ours; nothing more was let through.
   */
  readonly cause: 'closed' | 'gone' | 'refused' | 'broken' | 'stopped' | 'defect';
  /** Who did it. */
  readonly side: Side | 'here';
  /** Close code that the client saw, or null without one. */
  readonly code: number | null;
  /** A clause, without anything that was sent. */
  readonly detail: string;
  /** Only with `defect`. */
  readonly error?: unknown;
}

export interface WebSocketRelay {
  /** Closes both sides: 1012 where the policy has changed, 1001 where the sandbox ends. Does nothing once it is closing. */
  close(code: number, reason: string): void;
}

export function relayWebSocket(options: WebSocketOptions): WebSocketRelay {
  const relay = new Relay(options);
  relay.start();
  return {
    close: (code, reason) => relay.conclude({ cause: 'stopped', side: 'here', code, detail: reason }),
  };
}

class Relay {
  readonly #options: WebSocketOptions;
  readonly #toClient: Outlet;
  readonly #toServer: Outlet;
  readonly #fromClient: FromClient;
  readonly #fromServer: FromServer;
  #end: WebSocketEnd | null = null;
  /** We have closed it ourselves. */
  #concluded = false;
  #open = 2;
  #idle: NodeJS.Timeout | null = null;
  #closing: NodeJS.Timeout | null = null;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    const { deflate, shared, maskServer: mask = null } = options;
    this.#toClient = new Outlet(options.client, { masks: false });
    this.#toServer = new Outlet(options.server, { masks: true });
    this.#fromClient = new FromClient(
      { rules: options, deflate, shared },
      this.#toServer,
      this.#told('client'),
    );
    this.#fromServer = new FromServer(
      { mask, deflate: deflate !== null, shared },
      this.#toClient,
      this.#told('server'),
    );
  }

  start(): void {
    const { client, server, clientHead, serverHead, shared } = this.#options;
    for (const [side, one, other] of [
      ['client', client, server],
      ['server', server, client],
    ] as const) {
      one.on('error', () => one.destroy());
      one.once('close', () => this.#closed(side, other));
    }
    const { webSocketIdleMs } = shared.limits;
    if (webSocketIdleMs > 0) {
      this.#idle = setTimeout(
        () => this.conclude({ cause: 'stopped', side: 'here', code: 1001, detail: 'idle for too long' }),
        webSocketIdleMs,
      );
      for (const side of [client, server]) side.on('data', () => this.#idle?.refresh());
    }
    new Inlet(server, serverHead, this.#fromServer).start();
    new Inlet(client, clientHead, this.#fromClient).start();
  }

  /** Ends it from here: a close code for each side where one can still be sent, then silence. */
  conclude(end: WebSocketEnd, serverCode = 1001): undefined {
    if (this.#concluded || this.#open < 2) return;
    this.#concluded = true;
    this.#end ??= end;
    const { client, server, shared } = this.#options;
    this.#closeWithin(shared.limits.refusedMs);
    const isBroken = end.cause === 'broken' && end.side === 'client';
    const wasClosed = this.#toServer.closed;
    this.#fromClient.stop(!isBroken && !wasClosed);
    if (this.#toServer.midFrame) server.destroy();
    else this.#toServer.control(OPCODE.close, closePayload(serverCode, ''));
    this.#fromServer.stop(() => {
      this.#toClient.control(OPCODE.close, closePayload(end.code ?? 1011, end.detail));
      // Otherwise when it has answered.
      if (isBroken || wasClosed) client.end();
    });
  }

  #told(side: Side): Told {
    return {
      close: (payload) => this.#close(side, payload),
      refused: ({ code, why }) => this.conclude({ cause: 'refused', side, code, detail: why }),
      broken: (failure) => this.#broken(side, failure),
      ended: () => this.#ended(side),
      failed: (error) => {
        this.conclude({ cause: 'defect', side: 'here', code: 1011, detail: 'an internal error', error });
      },
    };
  }

  #broken(side: Side, { code, detail }: Failure): undefined {
    if (side === 'client') this.conclude({ cause: 'broken', side, code, detail });
    else this.conclude({ cause: 'broken', side, code: 1011, detail }, code);
  }

  #close(side: Side, payload: Uint8Array): Wait {
    const { client, shared } = this.#options;
    if (this.#concluded) {
      if (side === 'client') client.end();
      return undefined;
    }
    const close = readClose(payload);
    if (!close.ok) return this.#broken(side, { code: 1002, detail: close.error });
    if (!isUtf8(close.value.reason))
      return this.#broken(side, { code: 1007, detail: 'the reason in a close frame is not UTF-8' });
    this.#end ??= { cause: 'closed', side, code: close.value.code, detail: 'closed' };
    this.#closeWithin(shared.limits.closeMs);
    const wait = (side === 'client' ? this.#toServer : this.#toClient).control(OPCODE.close, payload);
    // What comes behind a close frame is no part of the connection (RFC 6455, section 5.5.1).
    if (side === 'client') this.#fromClient.stop(false);
    else this.#fromServer.stop(() => undefined);
    return wait;
  }

  /** A side has sent its last byte. The other hears of it, after what is still on the way to it. */
  #ended(side: Side): void {
    const { client, server, shared } = this.#options;
    this.#end ??= { cause: 'gone', side, code: null, detail: `the ${side} closed the connection` };
    this.#closeWithin(shared.limits.closeMs);
    if (side === 'client' || !this.#concluded) (side === 'client' ? server : client).end();
    // A close frame of ours may wait for the rest of a frame that will not come.
    else if (this.#toClient.midFrame) client.destroy();
    (side === 'client' ? client : server).end();
  }

  #closed(side: Side, other: Duplex): void {
    this.#end ??= { cause: 'gone', side, code: null, detail: `the ${side} closed the connection` };
    this.#open -= 1;
    this.#fromClient.stop(false);
    if (side === 'client') this.#fromServer.stop(() => undefined);
    if (this.#open > 0) {
      this.#closeWithin(this.#options.shared.limits.refusedMs);
      if (!this.#concluded || side === 'client') other.end(() => other.destroy());
      return;
    }
    clearTimeout(this.#idle ?? undefined);
    clearTimeout(this.#closing ?? undefined);
    this.#options.onEnd(this.#end);
  }

  #closeWithin(ms: number): void {
    clearTimeout(this.#idle ?? undefined);
    this.#closing ??= setTimeout(() => {
      this.#options.client.destroy();
      this.#options.server.destroy();
    }, ms).unref();
  }
}
