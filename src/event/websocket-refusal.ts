/** A refusal for clients of WebSocket: the code and the reason of a close frame (RFC 6455 sections 5.5.1, 7.4.1). */
import { REFUSALS, type Refusal, type RefusalKind } from './refusal.ts';

export interface CloseFrame {
  readonly code: number;
  /** ASCII; at most 123 bytes fit into the frame. */
  readonly reason: string;
}

const POLICY = 1008;
const TOO_BIG = 1009;

/** The whole refusal does not fit; its code stands in docs/denials.md, and the event says the rest. */
export const websocketRefusal = (kind: RefusalKind, refusal: Pick<Refusal, 'code'>): CloseFrame => ({
  code: REFUSALS[kind].status === 413 ? TOO_BIG : POLICY,
  reason: `${refusal.code} ${REFUSALS[kind].reason}`,
});
