/** The options of an endpoint that are about credentials. */
import type { EndpointRead } from './destination.ts';
import { type Issues, quoted } from './issues.ts';
import type { CredentialBinding } from './policy.ts';

/** Names that `--credential NAME=...` can have too. */
const PROVIDER = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** OpenShell 0.1.8 takes Authorization alone; this one is what most programming interfaces ask for otherwise. */
const DEFAULT_HEADERS = ['x-api-key'];
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
/** They say where a message goes and how it is read, or hold several things at once. */
const NO_PLACE =
  /^(?:host|content-.*|transfer-encoding|connection|upgrade|te|trailer|expect|via|proxy-.*|sec-websocket-.*)$/;

/** Null when none is bound, or when no name of a provider was read. */
export function credentialBinding(read: EndpointRead): CredentialBinding | null {
  const fields = read.value.fields.credential_binding?.value.fields;
  if (fields?.provider === undefined) return null;
  const headers = fields.headers?.value.map(({ value }) => value.toLowerCase()) ?? DEFAULT_HEADERS;
  return {
    provider: fields.provider.value,
    span: fields.provider.span,
    headers: [...new Set(headers)].filter((name) => name !== 'authorization'),
    cleartext: fields.cleartext?.value ?? false,
  };
}

export function checkCredentials(read: EndpointRead, issues: Issues): void {
  const { fields, keys } = read.value;
  const provider = fields.credential_binding?.value.fields.provider;
  if (provider !== undefined && !PROVIDER.test(provider.value)) {
    const message = 'the name of a provider has letters, digits, `_`, `-` and `.` only, at most 128';
    issues.report('invalid_name', provider, message);
  }
  for (const header of fields.credential_binding?.value.fields.headers?.value ?? []) {
    if (!HEADER.test(header.value)) {
      issues.report('invalid_name', header, `${quoted(header.value)} is no name of a header`);
    } else if (NO_PLACE.test(header.value.toLowerCase())) {
      const message = `the header ${quoted(header.value)} has a meaning of its own: no credential can stand there`;
      issues.report('invalid_name', header, message);
    }
  }
  const binding = keys.get('credential_binding');
  const uninspected = fields.allow_uninspected_credentials;
  if (binding !== undefined && fields.tls?.value === 'skip' && uninspected?.value !== true) {
    const place = { span: binding, path: `${read.path}.credential_binding` };
    const message = 'a credential is bound, but `tls: skip` keeps the connection closed';
    issues.report(
      'uninspected_credential',
      place,
      message,
      'Remove `tls: skip`, or set `allow_uninspected_credentials: true`.',
    );
  }
  if (uninspected?.value === true && binding === undefined) {
    issues.report(
      'no_effect',
      uninspected,
      '`allow_uninspected_credentials` has no effect: no credential is bound here',
    );
  }
  checkSigning(read, issues);
}

function checkSigning(read: EndpointRead, issues: Issues): void {
  const { fields, keys } = read.value;
  const signing = fields.credential_signing;
  if (signing !== undefined && !keys.has('signing_service')) {
    issues.report(
      'missing_key',
      signing,
      '`credential_signing` needs `signing_service`',
      'Write `signing_service: s3`, say.',
    );
  }
  if (signing !== undefined && fields.request_body_credential_rewrite?.value === true) {
    const message =
      '`credential_signing` and `request_body_credential_rewrite` exclude each other: a signed body cannot change';
    issues.report('exclusive_keys', signing, message, 'Remove one of them.');
  }
  if (keys.has('credential_signing')) return;
  for (const key of ['signing_service', 'signing_region'] as const) {
    const field = fields[key];
    if (field === undefined) continue;
    issues.report('no_effect', field, `\`${key}\` has no effect without \`credential_signing\``);
  }
}
