/** Tokens that do not live long, asked for when one is needed (RFC 6749): one request at a time, kept until shortly before they end. */
import { createSign } from 'node:crypto';
import { err, ok, type Result } from '../base/result.ts';
import {
  type ClientGrant,
  CREDENTIAL_LIMITS,
  type ServiceAccountGrant,
  type TokenGrant,
  type TokenSource,
} from './provider.ts';

/** Sends a form and gives the status and what came back, or a clause that says what failed; never follows a redirect. */
export type Post = (
  url: string,
  form: string,
) => Promise<Result<{ readonly status: number; readonly body: string }, string>>;

interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly goodUntil: number;
}

const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

export class GrantedTokens implements TokenSource {
  readonly #grant: TokenGrant;
  readonly #post: Post;
  readonly #now: () => number;
  /** Servers may give out another one with each token (RFC 6749 section 6). */
  #refreshToken: string | null;
  #token: Token | null = null;
  /** What the next answer may still hold. */
  #spent: string[] = [];
  #asking: Promise<Result<string, string>> | null = null;
  generation = 0;

  /** @param now milliseconds since 1970 */
  constructor(grant: TokenGrant, post: Post, now: () => number) {
    this.#grant = grant;
    this.#post = post;
    this.#now = now;
    this.#refreshToken = 'refreshToken' in grant ? grant.refreshToken : null;
  }

  current(): Promise<Result<string, string>> {
    if (this.#token !== null && this.#now() < this.#token.goodUntil)
      return Promise.resolve(ok(this.#token.value));
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  secrets(): readonly string[] {
    const clientSecret = 'clientSecret' in this.#grant ? this.#grant.clientSecret : null;
    return [this.#token?.value ?? null, ...this.#spent, clientSecret, this.#refreshToken].filter(
      (secret) => secret !== null,
    );
  }

  async #ask(): Promise<Result<string, string>> {
    const answer = await this.#post(this.#grant.tokenUrl, this.#form());
    if (!answer.ok) return answer;
    const { status, body } = answer.value;
    const read = readAnswer(body);
    if (status !== 200)
      return err(`the token endpoint answered ${status}${read.code === null ? '' : ` (${read.code})`}`);
    if (read.token === null) return err('the token endpoint sent no token that can stand in a header');
    if (read.token.length < CREDENTIAL_LIMITS.shortestValue)
      return err('the token endpoint sent a token too short to be masked');
    this.#keep(read.token, read.expiresIn, read.refreshToken);
    return ok(read.token);
  }

  #keep(value: string, expiresIn: number | null, refreshToken: string | null): void {
    const { tokenDefaultSeconds, tokenLongestSeconds, tokenMarginSeconds } = CREDENTIAL_LIMITS;
    const seconds = Math.min(expiresIn ?? tokenDefaultSeconds, tokenLongestSeconds) - tokenMarginSeconds;
    const before = [this.#token?.value ?? null, refreshToken === null ? null : this.#refreshToken];
    this.#spent = [...before.filter((secret) => secret !== null), ...this.#spent].slice(0, 4);
    this.#token = { value, goodUntil: this.#now() + Math.max(1, seconds) * 1000 };
    this.#refreshToken = refreshToken ?? this.#refreshToken;
    this.generation += 1;
  }

  #form(): string {
    const grant = this.#grant;
    return grant.strategy === 'google-service-account-jwt'
      ? assertionForm(grant, Math.floor(this.#now() / 1000))
      : clientForm(grant, this.#refreshToken);
  }
}

function clientForm(grant: ClientGrant, refreshToken: string | null): string {
  const { strategy, clientId, clientSecret, scopes, audience } = grant;
  const form = new URLSearchParams();
  form.set('grant_type', strategy === 'oauth2-refresh-token' ? 'refresh_token' : 'client_credentials');
  if (strategy === 'oauth2-refresh-token') form.set('refresh_token', refreshToken ?? '');
  form.set('client_id', clientId);
  if (clientSecret !== null) form.set('client_secret', clientSecret);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  if (audience !== null) form.set('audience', audience);
  return form.toString();
}

/** Seconds for which an assertion is good: the most that Google takes. */
const ASSERTION_SECONDS = 3600;

/** RFC 7523 section 2.1. @param now seconds since 1970 */
function assertionForm({ email, privateKey, tokenUrl, scopes }: ServiceAccountGrant, now: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: email,
    scope: scopes.join(' '),
    aud: tokenUrl,
    iat: now,
    exp: now + ASSERTION_SECONDS,
  };
  const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  const signature = createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url');
  const form = new URLSearchParams();
  form.set('grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer');
  form.set('assertion', `${signed}.${signature}`);
  return form.toString();
}

interface Answer {
  readonly token: string | null;
  readonly expiresIn: number | null;
  readonly refreshToken: string | null;
  /** RFC 6749 section 5.2; only codes that are words of a list that is known. */
  readonly code: string | null;
}

const CODES = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
];

function readAnswer(body: string): Answer {
  let read: unknown;
  try {
    read = JSON.parse(body);
  } catch {}
  const answer = (typeof read === 'object' && read !== null ? read : {}) as Record<string, unknown>;
  const { access_token: token, expires_in: expires, refresh_token: refresh, error } = answer;
  const bearer = typeof answer['token_type'] !== 'string' || /^bearer$/i.test(answer['token_type']);
  const seconds = typeof expires === 'string' ? Number(expires) : expires;
  return {
    token:
      bearer &&
      typeof token === 'string' &&
      token.length <= CREDENTIAL_LIMITS.longestValue &&
      TOKEN.test(token)
        ? token
        : null,
    expiresIn: typeof seconds === 'number' && seconds > 0 ? seconds : null,
    refreshToken:
      typeof refresh === 'string' && refresh.length >= CREDENTIAL_LIMITS.shortestValue ? refresh : null,
    code: CODES.find((code) => code === error) ?? null,
  };
}
