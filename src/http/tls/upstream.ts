/** TLS to a server, verified as the host that the rule names: there is no way to leave that out. */
import { isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { err, ok, type Result } from '../../base/result.ts';
import { TLS_LIMITS } from '../limits.ts';

/** What servers are trusted by, read once for a sandbox. @param further PEM: the system's bundle, `--upstream-ca` */
export const upstreamTrust = (further: readonly string[]): SecureContext =>
  createSecureContext({ ca: distinctCertificates([...rootCertificates, ...further]), minVersion: 'TLSv1.2' });

const CERTIFICATE =
  /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (TRUSTED |X509 )?CERTIFICATE-----/g;

/** Reading a certificate takes long, and most of the system's are Node's too. Each is a PEM block of its own. */
export function distinctCertificates(pems: readonly string[]): string[] {
  const distinct = new Map<string, string>();
  for (const pem of pems)
    for (const [block] of pem.matchAll(CERTIFICATE)) distinct.set(block.replace(/\s+/g, ''), block);
  return [...distinct.values()];
}

/** The host in its normal form, the checked address and the port that were dialled, and the connected socket. */
export interface UpstreamTarget {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly socket: Socket;
  /** What is offered (ALPN), the most liked first. */
  readonly protocols: readonly string[];
}

export class UpstreamTls {
  readonly #trust: SecureContext;
  readonly #limits: { readonly handshakeMs: number; readonly sessions: number };
  /** In the order of use, the longest unused first. */
  readonly #sessions = new Map<string, Buffer>();

  constructor(
    trust: SecureContext,
    limits: { readonly handshakeMs: number; readonly sessions: number } = TLS_LIMITS,
  ) {
    this.#trust = trust;
    this.#limits = limits;
  }

  /** A failure closes the socket, and says why. */
  connect({ host, address, port, socket, protocols }: UpstreamTarget): Promise<Result<TLSSocket, string>> {
    // Whom a session was verified for is part of its name.
    const key = `${host} ${address} ${port} ${protocols.join()}`;
    const session = this.#sessions.get(key);
    return new Promise((resolve) => {
      const secure = connect({
        socket,
        secureContext: this.#trust,
        // Addresses are not sent as names (RFC 6066, section 3); the certificate is for them all the same.
        servername: isIP(host) === 0 ? host : '',
        checkServerIdentity: (_servername, certificate) => checkServerIdentity(host, certificate),
        ALPNProtocols: [...protocols],
        rejectUnauthorized: true,
        ...(session === undefined ? {} : { session }),
      });
      const fail = (why: string): void => {
        clearTimeout(timer);
        this.#sessions.delete(key);
        secure.destroy();
        socket.destroy();
        resolve(err(why));
      };
      const { handshakeMs } = this.#limits;
      const timer = setTimeout(() => fail(`no TLS handshake within ${handshakeMs} ms`), handshakeMs);
      secure.on('session', (fresh: Buffer) => this.#keep(key, fresh));
      const failed = (error: NodeJS.ErrnoException): void => fail(error.code ?? error.message);
      const closed = (): void => fail('closed in the TLS handshake');
      secure.on('error', failed);
      secure.once('close', closed);
      secure.once('secureConnect', () => {
        clearTimeout(timer);
        // What ends a connection that was made says nothing about its session.
        secure.off('error', failed);
        secure.off('close', closed);
        secure.on('error', () => {});
        resolve(ok(secure));
      });
    });
  }

  #keep(key: string, session: Buffer): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size > this.#limits.sessions)
      this.#sessions.delete(this.#sessions.keys().next().value!);
  }
}
