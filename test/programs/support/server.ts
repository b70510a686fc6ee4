/** A web server on loopback for one test file, which remembers what it was asked. */
import { createServer as createPlain, type RequestListener } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificate.ts';

export interface WebServer {
  readonly port: number;
  /** `METHOD host path`, in order. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function serve(
  listener: RequestListener,
  certificate: Certificate | null = null,
): Promise<WebServer> {
  const asked: string[] = [];
  const answer: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.headers.host} ${request.url}`);
    listener(request, response);
  };
  const server = certificate === null ? createPlain(answer) : createSecure(certificate, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
