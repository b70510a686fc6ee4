/** Refusals that are about credentials: a placeholder that cannot be replaced where it stands. */
import { row } from './refusal-row.ts';

export const CREDENTIAL_REFUSALS = {
  credential_endpoint_mismatch: row(
    80,
    403,
    'credential_endpoint_mismatch',
    'credential_endpoint_mismatch',
    'the request holds the placeholder of a credential that is not bound to its endpoint',
  ),
  credential_unavailable: row(
    81,
    500,
    'credential_unavailable',
    'credential_unavailable',
    'the request holds a placeholder that stands for nothing',
  ),
  credential_not_placeable: row(
    82,
    403,
    'credential_not_placeable',
    'credential_not_placeable',
    'the request holds a placeholder in a place where the policy puts no credential',
  ),
  credential_cleartext: row(
    83,
    403,
    'credential_endpoint_mismatch',
    'credential_cleartext',
    'the request holds a placeholder and goes to the server without TLS',
  ),
  credential_placeholder_in_request_body: row(
    84,
    403,
    'credential_placeholder_in_request_body',
    'credential_not_placeable',
    'the body of the request holds a placeholder that may not stand there',
  ),
  credential_token_failed: row(
    85,
    502,
    'token_grant_failed',
    'credential_unavailable',
    'no token was given for the credential',
  ),
  credential_body_unreadable: row(
    86,
    415,
    'unsupported_protocol',
    'credential_not_placeable',
    'the body of the request is in a form in which no placeholder can be found',
  ),
} as const;

export type CredentialRefusalKind = keyof typeof CREDENTIAL_REFUSALS;

export const isCredentialRefusal = (kind: string): kind is CredentialRefusalKind =>
  Object.hasOwn(CREDENTIAL_REFUSALS, kind);

const ASK = 'the policy is outside this sandbox and cannot be changed from here; ask the operator';

export function credentialSteps(kind: CredentialRefusalKind): string[] {
  switch (kind) {
    case 'credential_endpoint_mismatch':
      return [
        'send the placeholder only to the endpoint that its credential is for',
        `${ASK} to bind the credential at this endpoint with \`credential_binding\` if it is meant for it`,
      ];
    case 'credential_unavailable':
      return ['use the placeholder exactly as the environment variable of this sandbox holds it'];
    case 'credential_not_placeable':
      return [
        'put the placeholder into Authorization, x-api-key, a segment of the path or a value of the query',
        `${ASK} to list the header under \`credential_binding.headers\`, or to set the rewrite option for messages`,
      ];
    case 'credential_cleartext':
      return ['use https', `${ASK} to set \`credential_binding.cleartext: true\` if there is no TLS`];
    case 'credential_placeholder_in_request_body':
      return [
        'leave the placeholder out of the body, or send JSON, a form or text with the placeholder as it is',
        `${ASK} to set \`request_body_credential_rewrite: true\` (put it in), or \`allow_uninspected_credentials: true\` (let it pass)`,
      ];
    case 'credential_token_failed':
      return ['try again later; the operator can see on the token endpoint why it gave no token'];
    case 'credential_body_unreadable':
      return ['send the body without a content coding'];
  }
}
