/** The payload of a close frame (RFC 6455, sections 5.5.1 and 7.4). */
import { err, ok, type Result } from '../../base/result.ts';
import { CONTROL_BYTES } from './frame.ts';

export interface CloseReason {
  /** 1005: the frame names none. */
  readonly code: number;
  /** Must be UTF-8, which is not checked here. */
  readonly reason: Uint8Array;
}

/** The error is a clause. */
export function readClose(payload: Uint8Array): Result<CloseReason, string> {
  if (payload.length === 0) return ok({ code: 1005, reason: payload });
  if (payload.length === 1) return err('a close frame holds half a code');
  const code = (payload[0]! << 8) | payload[1]!;
  return isSendable(code)
    ? ok({ code, reason: payload.subarray(2) })
    : err('a close frame holds a code that is never sent');
}

/** @param reason ASCII; what is too long is cut off */
export function closePayload(code: number, reason: string): Uint8Array {
  const text = reason.replace(/[^\x20-\x7e]/g, '?').slice(0, CONTROL_BYTES - 2);
  return Uint8Array.from([code >> 8, code & 0xff, ...Array.from(text, (c) => c.charCodeAt(0))]);
}

/** IANA's registry of close codes: 1004 to 1006 and 1015 are for programs, not for the wire. */
const isSendable = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
