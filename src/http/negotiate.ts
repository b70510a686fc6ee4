/** A request that asks for another protocol, sent: the server changes to it, or answers as it likes and is then left. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { closeAfter } from './answer.ts';
import { describeFailure, headText } from './exchange.ts';
import type { ProxyLimits } from './limits.ts';

export interface Negotiation {
  /** Nothing was sent to the client yet. */
  readonly onFailure: (reason: string) => void;
  /** The server has answered 101. A text: why that cannot be accepted; nothing may have been sent to the client then. */
  readonly onUpgrade: (answer: IncomingMessage, rest: Buffer) => string | null;
  /** Why any other answer cannot be passed on; null: it can. */
  readonly onOther?: (answer: IncomingMessage) => string | null;
  /** Header lines of any other answer that travel on. */
  readonly headersOf: (answer: IncomingMessage) => readonly string[];
}

/** @param upstream has not been sent; it goes over `server`, which is closed whenever the negotiation ends otherwise */
export function negotiate(
  client: Socket,
  server: Socket,
  upstream: ClientRequest,
  { onFailure, onUpgrade, onOther = () => null, headersOf }: Negotiation,
  limits: Pick<ProxyLimits, 'lingerMs' | 'informational'>,
): void {
  let answered = false;
  let informational = 0;
  const fail = (reason: string): void => {
    server.destroy();
    if (answered) client.destroy();
    else onFailure(reason);
    answered = true;
  };
  const clientClosed = (): void => void server.destroy();
  client.once('close', clientClosed);
  upstream.on('error', (error: NodeJS.ErrnoException) => fail(describeFailure(error)));
  upstream.on('close', () => {
    if (!answered) fail('the server closed the connection without an answer');
  });
  upstream.on('information', () => {
    informational += 1;
    if (informational > limits.informational)
      upstream.destroy(new Error('the server sends informational answers without end'));
  });
  upstream.on('upgrade', (answer, _socket, rest) => {
    const problem = onUpgrade(answer, rest);
    if (problem !== null) return fail(problem);
    answered = true;
    client.off('close', clientClosed);
  });
  upstream.on('response', (answer) => {
    const problem = onOther(answer);
    if (problem !== null) return fail(problem);
    answered = true;
    const headers = [...headersOf(answer), 'Connection', 'close'];
    client.write(headText(answer.statusCode ?? 502, answer.statusMessage, headers), 'latin1');
    answer.on('error', () => fail('the server closed the connection in the middle of its answer'));
    answer.on('close', () => (answer.complete ? undefined : client.destroy()));
    answer.pipe(client, { end: false });
    answer.once('end', () => closeAfter(client, '', limits.lingerMs));
  });
  upstream.end();
}
