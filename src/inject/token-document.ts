/** How to get tokens, as a credential document says it. */
import { createPrivateKey } from 'node:crypto';
import { err, ok, type Result } from '../base/result.ts';
import type { TokenGrant } from './provider.ts';
import { valueProblem } from './value-problem.ts';

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
const ACCOUNT_KEYS = ['strategy', 'token_url', 'client_email', 'private_key', 'scopes'];
const CONTROL = /[\u0000-\u001f\u007f]/;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A mapping that says how to get tokens. Errors are clauses that follow the name of the variable. */
export function readGrant(given: unknown): Result<TokenGrant, string> {
  if (!isObject(given)) return err('is neither a text nor a mapping');
  if (given['strategy'] === 'google-service-account-jwt') return serviceAccount(given);
  const strategy = STRATEGIES.find((name) => name === given['strategy']);
  if (strategy === undefined)
    return err(`needs \`strategy\`: ${STRATEGIES.join(', ')} or google-service-account-jwt`);
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
  if (!areScopes(scopes)) return err('has `scopes` that are no list of texts without blanks');
  if (audience !== null && typeof audience !== 'string') return err('has an `audience` that is no text');
  return ok({
    strategy,
    tokenUrl,
    clientId,
    clientSecret: secret.value,
    refreshToken: refresh.value,
    scopes,
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

const GOOGLE_TOKENS = 'https://oauth2.googleapis.com/token';
const GOOGLE_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

function serviceAccount(given: Record<string, unknown>): Result<TokenGrant, string> {
  if (Object.keys(given).some((key) => !ACCOUNT_KEYS.includes(key)))
    return err('has a key that is not known');
  const {
    token_url: tokenUrl = GOOGLE_TOKENS,
    client_email: email,
    private_key: privateKey,
    scopes = [GOOGLE_SCOPE],
  } = given;
  if (typeof tokenUrl !== 'string' || !isTokenUrl(tokenUrl))
    return err('has a `token_url` that is neither an https URL nor an http URL of this machine');
  if (typeof email !== 'string' || email === '' || CONTROL.test(email)) return err('needs `client_email`');
  if (typeof privateKey !== 'string' || !isRsaKey(privateKey))
    return err('needs `private_key`: an RSA key in PEM');
  if (!areScopes(scopes)) return err('has `scopes` that are no list of texts without blanks');
  return ok({ strategy: 'google-service-account-jwt', tokenUrl, email, privateKey, scopes });
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

const areScopes = (scopes: unknown): scopes is string[] =>
  Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string' && /^[!-~]+$/.test(scope));
