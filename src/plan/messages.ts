/** Rules about what a request asks for in its body, in its messages, or by the names of its protocol. */

/** What a protocol's own requests are judged by; how they are found in what is sent is part of it. */
export type MessageRules = GraphqlRules | JsonRpcRules | McpRules | GrpcRules;

export interface GraphqlRules {
  readonly kind: 'graphql';
  /** Bytes of a body, or of a text message. */
  readonly maxBodyBytes: number;
  /** Operations that may be asked for by a hash or an id alone. */
  readonly registered: readonly RegisteredOperation[];
  readonly allow: readonly OperationRule[];
  readonly deny: readonly OperationRule[];
}

export interface JsonRpcRules {
  readonly kind: 'json-rpc';
  readonly maxBodyBytes: number;
  readonly allow: readonly CallRule[];
  readonly deny: readonly CallRule[];
}

export interface McpRules {
  readonly kind: 'mcp';
  readonly maxBodyBytes: number;
  readonly strictToolNames: boolean;
  /** Revisions, as `2025-11-25`. */
  readonly versions: readonly string[];
  readonly allow: readonly CallRule[];
  readonly deny: readonly CallRule[];
}

export interface GrpcRules {
  readonly kind: 'grpc';
  readonly allow: readonly GrpcRule[];
  readonly deny: readonly GrpcRule[];
}

interface Placed {
  /** Place in `rules` or `deny_rules`; null: it stands for an option. */
  readonly index: number | null;
  readonly line: number | null;
}

export type OperationType = 'query' | 'mutation' | 'subscription';

export interface OperationRule extends Placed {
  readonly type: OperationType | '*';
  /** Glob with separator `.`; null: whatever its name. */
  readonly name: string | null;
  /** Globs with separator `.`. Allow: every root field must match one. Deny: one root field. None: whatever the fields. */
  readonly fields: readonly string[];
}

export interface RegisteredOperation {
  /** Hash or id. */
  readonly id: string;
  readonly type: OperationType;
  readonly name: string | null;
  readonly fields: readonly string[];
}

export interface CallRule extends Placed {
  /** In full, `*` for any, or a glob below `tools/`; null: every core method of the request's revision of MCP. */
  readonly method: string | null;
  /** Globs with separator `.`; null: whatever the tool; none: every method but `tools/call`. */
  readonly tools: readonly string[] | null;
}

export interface GrpcRule extends Placed {
  /** `package.Service`, or a glob with separator `.`. */
  readonly service: string;
  /** `*` for any. */
  readonly method: string;
}
