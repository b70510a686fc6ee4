/**
 * A credential as it is given: the value itself, or a JSON document with several
 * (`{"credentials": {"VARIABLE": "value" | {"strategy": …}}}`). Complaints repeat nothing of it.
 */
import { err, ok, type Result } from '../base/result.ts';
import { isCredentialVariable, isMarked } from './placeholder.ts';
import {
  CREDENTIAL_LIMITS,
  type CredentialDocument,
  type DocumentValue,
  type TokenGrant,
} from './provider.ts';

const STRATEGIES = ['oauth2-client-credentials', 'oauth2-refresh-token'] as const;
const GRANT_KEYS = [
  'strategy',
  'token_url',
  'client_id',
  'client_secret',
  'refresh_token',
  'scopes',
  'audience',
];
const CONTROL = /[\u0000-\u001f\u007f]/;

/** @param variable the one that a plain value gets. Errors are clauses that follow "the credential". */
export function parseCredential(text: string, variable: string): Result<CredentialDocument, string> {
  if (Buffer.byteLength(text) > CREDENTIAL_LIMITS.credentialBytes)
    return err(`is longer than ${CREDENTIAL_LIMITS.credentialBytes} bytes`);
  const trimmed = text.replace(/\r?\n$/, '');
  if (/^\s*\{/.test(trimmed)) return parseDocument(trimmed);
  const problem = variableProblem(variable) ?? valueProblem(trimmed);
  return problem === null ? ok({ values: [{ variable, value: trimmed }] }) : err(problem);
}

const SHAPE =
  'begins with `{` and is no document of the form {"credentials": {"VARIABLE": "value"}} (docs/credentials.md)';

function parseDocument(text: string): Result<CredentialDocument, string> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return err(SHAPE);
  }
  if (!isObject(document) || !isObject(document['credentials'])) return err(SHAPE);
  if (Object.keys(document).length > 1) return err('has keys besides `credentials`');
  const entries = Object.entries(document['credentials']);
  if (entries.length === 0) return err('holds no value');
  if (entries.length > CREDENTIAL_LIMITS.credentialValues)
    return err(`holds more than ${CREDENTIAL_LIMITS.credentialValues} values`);
  const values: DocumentValue[] = [];
  for (const [variable, given] of entries) {
    const problem = variableProblem(variable);
    if (problem !== null) return err(problem);
    const value = typeof given === 'string' ? fixed(given) : grant(given);
    if (!value.ok) return err(`has a value that cannot be used: ${variable} ${value.error}`);
    values.push({ variable, value: value.value });
  }
  return ok({ values });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fixed(value: string): Result<string, string> {
  const problem = valueProblem(value);
  return problem === null ? ok(value) : err(problem);
}

function grant(given: unknown): Result<TokenGrant, string> {
  if (!isObject(given)) return err('is neither a text nor a mapping');
  const strategy = STRATEGIES.find((name) => name === given['strategy']);
  if (strategy === undefined) return err(`needs \`strategy\`: ${STRATEGIES.join(' or ')}`);
  const unknown = Object.keys(given).find((key) => !GRANT_KEYS.includes(key));
  if (unknown !== undefined) return err('has a key that is not known');
  const tokenUrl = given['token_url'];
  if (typeof tokenUrl !== 'string' || !isTokenUrl(tokenUrl))
    return err('needs `token_url`: an https URL, or an http URL of this machine');
  const clientId = given['client_id'];
  if (typeof clientId !== 'string' || clientId === '' || CONTROL.test(clientId))
    return err('needs `client_id`');
  const secret = optionalSecret(given['client_secret'], 'client_secret');
  if (!secret.ok) return secret;
  const refresh = optionalSecret(given['refresh_token'], 'refresh_token');
  if (!refresh.ok) return refresh;
  if (strategy === 'oauth2-client-credentials' && secret.value === null) return err('needs `client_secret`');
  if (strategy === 'oauth2-refresh-token' && refresh.value === null) return err('needs `refresh_token`');
  const { scopes = [], audience = null } = given;
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string' && /^[!-~]+$/.test(scope)))
    return err('has `scopes` that are no list of texts without blanks');
  if (audience !== null && typeof audience !== 'string') return err('has an `audience` that is no text');
  return ok({
    strategy,
    tokenUrl,
    clientId,
    clientSecret: secret.value,
    refreshToken: refresh.value,
    scopes: scopes as string[],
    audience,
  });
}

function optionalSecret(value: unknown, key: string): Result<string | null, string> {
  if (value === undefined) return ok(null);
  if (typeof value !== 'string') return err(`has a \`${key}\` that is no text`);
  const problem = valueProblem(value);
  return problem === null ? ok(value) : err(`has a \`${key}\` that ${problem}`);
}

/** Secrets are sent there: never without TLS, but to this machine. */
function isTokenUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== '' || password !== '' || hash !== '') return false;
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  );
}

const variableProblem = (variable: string): string | null =>
  isCredentialVariable(variable)
    ? null
    : 'would be in a variable whose name has other characters than letters, digits and `_`, or is like a handle';

function valueProblem(value: string): string | null {
  const { shortestValue, longestValue } = CREDENTIAL_LIMITS;
  if (value === '') return 'is empty';
  if (value.length < shortestValue)
    return `is shorter than ${shortestValue} characters: it could not be told from other text and masked`;
  if (value.length > longestValue) return `has a value longer than ${longestValue} characters`;
  if (CONTROL.test(value)) return 'holds a line feed or another control character';
  if (Buffer.from(value).toString() !== value) return 'is no UTF-8 text';
  if (value !== value.trim()) return 'begins or ends with a blank';
  return isMarked(value) ? 'is itself a placeholder' : null;
}
