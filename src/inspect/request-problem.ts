/** Why a request cannot be judged: it is refused whatever the rules say, also in an audit. */
import { err, type Result } from '../base/result.ts';

export type ProblemReason =
  | 'malformed_request'
  | 'path_invalid'
  | 'query_invalid'
  | 'body_too_large'
  | 'graphql_invalid'
  | 'json_rpc_invalid'
  | 'mcp_invalid'
  | 'mcp_method_not_allowed'
  | 'mcp_version_unsupported'
  | 'mcp_version_not_allowed'
  | 'grpc_invalid';

export interface RequestProblem {
  /** Reasons of src/event/event.ts, and kinds of src/event/refusal.ts. */
  readonly reason: ProblemReason;
  /** A clause; it repeats nothing that came. */
  readonly detail: string;
}

export const problem = (reason: ProblemReason, detail: string): Result<never, RequestProblem> =>
  err({ reason, detail });
