/** A socket that takes the datagrams of a workload for one address and port that it means. */
import { createSocket } from 'node:dgram';
import type { Address } from '../base/address.ts';
import type { Source } from './datagram-flow.ts';

export interface InnerSocket {
  send(message: Buffer, to: Source): void;
  close(): void;
}

export type Receive = (message: Buffer, source: Source) => void;

/** Null: there is none to be had. */
export type MakeInnerSocket = (
  address: Address,
  port: number,
  receive: Receive,
) => Promise<InnerSocket | null>;

/** @param handle a raw UDP socket bound inside the sandbox */
export function serveInside(handle: unknown, { family }: Address, receive: Receive): InnerSocket {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  socket.on('error', () => {}); // an answer that could not be delivered
  socket.on('message', receive);
  // A bound handle is taken as it is; the types know of ports only.
  (socket.bind as (handle: unknown) => void)(handle);
  return {
    send: (message, to) => socket.send(message, to.port, to.address, () => {}),
    close: () => socket.close(),
  };
}
