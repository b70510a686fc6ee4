/**
 * Guardrails: rules of an organisation that hold on top of the policy. They take away and never give: what they do not
 * allow is refused, and so is what they cannot answer in time.
 */

/** OpenShell's input document, with `sha256` added. */
export interface GuardInput {
  readonly exec: {
    readonly path: string;
    readonly sha256: string | null;
    /** Nearest first. */
    readonly ancestors: readonly string[];
    /** Always empty: command lines are whatever a program writes there. */
    readonly cmdline_paths: readonly string[];
  };
  readonly network: {
    /** Lower case, without a trailing dot. */
    readonly host: string;
    readonly port: number;
  };
  /** Absent: it is about a connection. */
  readonly request?: GuardRequest;
}

export interface GuardRequest {
  readonly method: string;
  /** Canonical, without the query: what is sent. */
  readonly path: string;
  readonly query_params: Readonly<Record<string, readonly string[]>>;
  readonly graphql: unknown;
  readonly jsonrpc: unknown;
}

export type GuardAnswer =
  | { readonly allow: true }
  | {
      readonly allow: false;
      /** Reasons of src/event/event.ts: it said no, or it gave no answer that can be used. */
      readonly reason: 'guardrail_denied' | 'guardrail_failed';
      /** For people: a clause. */
      readonly detail: string;
    };

export interface Guard {
  /** Never rejects. Nothing is remembered: a guardrail may ask for the time, or change. */
  evaluate(input: GuardInput): Promise<GuardAnswer>;
  close(): Promise<void>;
}

export const failed = (detail: string): GuardAnswer => ({ allow: false, reason: 'guardrail_failed', detail });

/** One after the other: the first that does not allow decides. */
export function allOf(guards: readonly Guard[]): Guard {
  return {
    async evaluate(input) {
      for (const guard of guards) {
        const answer = await guard.evaluate(input);
        if (!answer.allow) return answer;
      }
      return { allow: true };
    },
    async close() {
      await Promise.all(guards.map((guard) => guard.close()));
    },
  };
}
