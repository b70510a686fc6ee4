/** A refusal for callers of JSON-RPC and MCP: the HTTP status stays, the body is an answer to what was asked. */
import { REFUSALS, type Refusal, type RefusalKind } from './refusal.ts';

export interface RpcCallers {
  /** Of the requests that wait for an answer, as they came; none: nobody is named. */
  readonly ids: readonly (string | number | null)[];
  /** They came in an array. */
  readonly batch: boolean;
}

/** JSON-RPC 2.0 section 5.1: "Invalid Request", and one of the codes that are left to implementations. */
const INVALID_REQUEST = -32600;
const REFUSED = -32010;

/** The body of the answer, as `application/json`. `data` is the refusal. */
export function rpcRefusal(kind: RefusalKind, refusal: Refusal, { ids, batch }: RpcCallers): string {
  const code = REFUSALS[kind].status === 400 ? INVALID_REQUEST : REFUSED;
  const message = `${refusal.detail}: ${refusal.reason}`;
  const answer = (id: string | number | null) => ({
    jsonrpc: '2.0',
    id,
    error: { code, message, data: refusal },
  });
  return JSON.stringify(batch && ids.length > 0 ? ids.map(answer) : answer(ids[0] ?? null));
}
