/** TLS with a client inside, ended here: its first message says whom it means, and a server of our own answers for that host. */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Host } from '../../match/host.ts';
import { TLS_LIMITS } from '../limits.ts';
import type { ClientHello } from '../tls/client-hello.ts';

export type Hello = Extract<ClientHello, { kind: 'hello' }>;

/** What is offered to clients, the most liked first. */
export const PROTOCOLS = ['h2', 'http/1.1'] as const;

export interface HelloProblem {
  readonly kind: 'authority_mismatch' | 'unsupported_protocol';
  readonly reason: string;
  readonly alert: number;
}

/** TLS alerts (RFC 8446 section 6, RFC 7301). */
export const ALERT = { decodeError: 50, unrecognisedName: 112, noApplicationProtocol: 120 } as const;

/** Whether the client means the host that it was let through to. One that names none may. */
export function checkHello({ sni, alpn }: Hello, host: Host): HelloProblem | null {
  if (sni !== null && sni.replace(/\.$/, '') !== host.text)
    return {
      kind: 'authority_mismatch',
      reason: 'the TLS client asks for another host (SNI) than the connection is for',
      alert: ALERT.unrecognisedName,
    };
  if (alpn.length > 0 && !alpn.some((name) => (PROTOCOLS as readonly string[]).includes(name)))
    return {
      kind: 'unsupported_protocol',
      reason: 'the TLS client offers no protocol that is spoken here (ALPN)',
      alert: ALERT.noApplicationProtocol,
    };
  return null;
}

/** A fatal alert in a record of its own, before anything is encrypted. */
export const alertRecord = (alert: number): Buffer => Buffer.from([0x15, 3, 3, 0, 2, 2, alert]);

/** Null: the client gave up, or broke the protocol; both leave the connection closed. */
export function terminate(
  socket: Socket,
  secureContext: SecureContext,
  handshakeMs: number = TLS_LIMITS.handshakeMs,
): Promise<TLSSocket | null> {
  return new Promise((resolve) => {
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      ALPNProtocols: [...PROTOCOLS],
    });
    const fail = (): void => {
      clearTimeout(timer);
      secure.destroy();
      socket.destroy();
      resolve(null);
    };
    const timer = setTimeout(fail, handshakeMs);
    secure.once('close', fail);
    secure.on('error', fail);
    secure.once('secure', () => {
      clearTimeout(timer);
      // What tls.Server does for its sockets; Node's HTTP/2 waits for it.
      (secure as TLSSocket & { secureConnecting: boolean }).secureConnecting = false;
      secure.off('close', fail);
      secure.off('error', fail);
      secure.on('error', () => secure.destroy());
      resolve(secure);
    });
  });
}
