/** Why a request does not go on for its credential's sake: a refusal of src/event/refusal.ts and a clause for people. */
import type { SubstitutionProblem } from './placeholder.ts';

export interface InjectionProblem {
  readonly kind:
    | 'credential_endpoint_mismatch'
    | 'credential_unavailable'
    | 'credential_not_placeable'
    | 'credential_cleartext'
    | 'credential_placeholder_in_request_body'
    | 'credential_token_failed'
    | 'credential_body_unreadable';
  /** A clause; it names no value, and repeats nothing that came. */
  readonly detail: string;
}

export const problem = (kind: InjectionProblem['kind'], detail: string): InjectionProblem => ({
  kind,
  detail,
});

/** @param where as `in the header authorization` */
export function describeSubstitution(found: SubstitutionProblem, where: string): InjectionProblem {
  switch (found.kind) {
    case 'unknown':
      return problem(
        'credential_unavailable',
        `what stands ${where} looks like a placeholder and is none of this sandbox`,
      );
    case 'elsewhere':
      return problem(
        'credential_endpoint_mismatch',
        `the placeholder of ${found.placeholder.variable} stands ${where}, and its credential \`${found.placeholder.provider}\` is not bound to this endpoint`,
      );
    case 'unavailable':
      return problem('credential_not_placeable', `the credential cannot stand ${where}: ${found.detail}`);
  }
}

/** Ends a body that may not go on; whoever relays it answers with the problem. */
export class InjectionError extends Error {
  readonly problem: InjectionProblem;

  constructor(reason: InjectionProblem) {
    super(reason.detail);
    this.problem = reason;
  }
}
