/** What a request asks for by the names of its protocol: made by `inspect` from a body, a message or a path. */
import type { OperationType } from '../plan/messages.ts';

export type Asked =
  /** For nothing that rules are about, as an end of a session: it needs no rule. */
  | { readonly kind: 'control' }
  /** Every item must be allowed; where there is none, no rule allows it. */
  | { readonly kind: 'items'; readonly items: readonly AskedItem[] };

export type AskedItem = Operation | Call | GrpcMethod;

/** An operation of GraphQL that runs. */
export interface Operation {
  readonly kind: 'operation';
  /** Null: a hash or id stands for it that nobody registered. */
  readonly type: OperationType | null;
  readonly name: string | null;
  /** Names of root fields, not their aliases; each once. */
  readonly fields: readonly string[];
}

/** A request or a notification of JSON-RPC. */
export interface Call {
  readonly kind: 'call';
  readonly method: string;
  /** Of `tools/call` in MCP. */
  readonly tool: string | null;
  /** The revision of MCP that is spoken has the method. */
  readonly core: boolean;
}

export interface GrpcMethod {
  readonly kind: 'method';
  readonly service: string;
  readonly method: string;
}
