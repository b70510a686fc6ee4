/** What a client begins with on a connection whose requests are looked at. Nothing is guessed from silence. */
import type { Socket } from 'node:net';
import type { ProxyLimits } from '../limits.ts';
import { type ClientHello, clientHello } from '../tls/client-hello.ts';

export type Opening =
  | Extract<ClientHello, { kind: 'hello' | 'not-tls' | 'broken' }>
  /** Nothing, or not enough, for too long. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'gone' };

/** Reads until it is clear what comes, and leaves every byte to be read again. */
export function readOpening(socket: Socket, limits: Pick<ProxyLimits, 'headerMs'>): Promise<Opening> {
  return new Promise((resolve) => {
    let read: Buffer[] = [];
    let length = 0;
    let wanted = 1;
    const finish = (opening: Opening): void => {
      clearTimeout(timer);
      socket.off('readable', take);
      socket.off('end', leave);
      socket.off('close', leave);
      // A listener of `readable` that goes leaves the stream where nothing flows before somebody asks.
      if (length > 0 && !socket.destroyed) socket.unshift(Buffer.concat(read));
      resolve(opening);
    };
    const leave = (): void => finish({ kind: 'gone' });
    const take = (): void => {
      for (
        let chunk = socket.read() as Buffer | null;
        chunk !== null;
        chunk = socket.read() as Buffer | null
      ) {
        read.push(chunk);
        length += chunk.length;
      }
      if (length < wanted) return;
      const bytes = Buffer.concat(read);
      read = [bytes];
      const opening = clientHello(bytes);
      if (opening.kind === 'more') wanted = opening.atLeast;
      else finish(opening);
    };
    const timer = setTimeout(() => finish({ kind: 'silent' }), limits.headerMs);
    socket.on('readable', take);
    socket.once('end', leave);
    socket.once('close', leave);
    if (socket.destroyed) leave();
    else take();
  });
}
