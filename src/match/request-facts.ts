import type { Asked } from './asked.ts';

/** What is judged of a request: made by `inspect` from what came, and from nothing else. */
export interface RequestFacts {
  /** Upper case: to be sent so. */
  readonly method: string;
  /** Canonical: what rules are compared with, and the only path that may be sent; `*` for OPTIONS of the server itself. */
  readonly path: string;
  /** To be sent as the request-target: the path, and the query as it came. */
  readonly target: string;
  /** `path`, split at `/`. */
  readonly components: readonly string[];
  /**
   * The same as servers read it that take escaped delimiters (`%3A`, `%2F`) for the characters themselves; null: no
   * difference. Deny rules are compared with both, allow rules only with what is sent.
   */
  readonly lenient: readonly string[] | null;
  /** The same as the boldest of servers read it; null: no difference. Deny rules are compared with it too. */
  readonly boldest: readonly string[] | null;
  /** The path holds `%2F`, which an endpoint must have allowed. */
  readonly encodedSlash: boolean;
  readonly query: ReadonlyMap<string, readonly string[]>;
  /** `host[:port]` of a target in absolute form, as it came; null: it was none. The Host header must agree. */
  readonly authority: string | null;
  /** By the endpoint's protocol; null: not read, or no matter of its rules. */
  readonly asked: Asked | null;
}
