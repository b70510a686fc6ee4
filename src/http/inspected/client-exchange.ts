/** One request of a client and the way its answer takes, whichever version of HTTP carries them. */
import type { Readable } from 'node:stream';
import type { Refused } from '../authorise.ts';

/** An answer that is whole before it is sent. */
export interface WholeAnswer {
  readonly status: number;
  /** Names and values in turn; those of framing are added. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The connection takes no further request. */
  readonly last: boolean;
}

export interface ClientExchange {
  readonly method: string;
  /** Request-target as it came: in origin form or absolute form. */
  readonly target: string;
  /** Header section: names as they came and values, in turn; without what is of this hop only, Host and framing. */
  readonly headers: readonly string[];
  /** Null: the request has none. */
  readonly body: Readable | null;
  /** Decimal, as the client announced it; null: it did not. */
  readonly contentLength: string | null;
  /** Whether the client waits to be told before it sends the body. */
  readonly expectsContinue: boolean;
  /** The head of the final answer was sent: there is no place for another one. */
  readonly begun: boolean;

  /** 100. */
  sendContinue(): void;
  /** 103 and the like; where the client's version knows none, nothing is sent. */
  inform(status: number, phrase: string, headers: readonly string[]): void;
  /**
   * Throws when the head cannot be written down.
   * @param whole nothing follows: over HTTP/2 that is said with the head, as gRPC wants it of an answer that is a status alone
   */
  begin(status: number, phrase: string, headers: readonly string[], whole?: boolean): void;
  /** False: wait for `drain`. */
  write(chunk: Buffer): boolean;
  end(trailers: readonly (readonly [string, string])[]): void;
  /** Breaks off, so that the client cannot take what it has for the whole. */
  abort(): void;
  refuse(refused: Refused): void;
  answer(whole: WholeAnswer): void;
  onDrain(listener: () => void): void;
  /** The exchange is over, or the client is gone. At once when that is so already. */
  onClose(listener: () => void): void;
}

/** What a decision needs of it. */
export type RequestToJudge = Pick<
  ClientExchange,
  'method' | 'target' | 'headers' | 'body' | 'contentLength' | 'expectsContinue' | 'sendContinue' | 'onClose'
>;
