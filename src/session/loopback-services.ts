/** The proxy and the policy DNS of the `platform` tier, on ports of loopback that only the warden connects the workload to. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { type AnswerQuery, DnsServer } from '../egress/dns-server.ts';

export class LoopbackServices {
  readonly #serve: (server: Server) => void;
  readonly #dns: DnsServer;
  #proxyPort: Promise<number> | null = null;
  #dnsPort: Promise<number> | null = null;

  /** @param serve lets the proxy answer on a server that listens */
  constructor(serve: (server: Server) => void, answerQuery: AnswerQuery) {
    this.#serve = serve;
    this.#dns = new DnsServer(answerQuery);
  }

  proxyPort(): Promise<number> {
    this.#proxyPort ??= this.#startProxy();
    return this.#proxyPort;
  }

  dnsPort(): Promise<number> {
    this.#dnsPort ??= this.#dns.listenOnLoopback();
    return this.#dnsPort;
  }

  close(): void {
    this.#dns.close();
  }

  async #startProxy(): Promise<number> {
    const server = createServer();
    server.on('error', () => {}); // an accept that failed: the next one may work
    this.#serve(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
}
