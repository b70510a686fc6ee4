/** Providers: named sets of credentials, each under the variable by which the workload knows it. */
import type { Result } from '../base/result.ts';

export interface Provider {
  readonly name: string;
  readonly values: readonly ProviderValue[];
}

export interface ProviderValue {
  /** Variable of the workload that holds the placeholder. */
  readonly variable: string;
  readonly source: ValueSource;
}

export type ValueSource =
  | { readonly kind: 'fixed'; readonly value: string }
  | { readonly kind: 'granted'; readonly tokens: TokenSource };

/** Where values come from that do not live long. */
export interface TokenSource {
  /** A token that is good for a while yet. Errors are clauses without a secret. */
  current(): Promise<Result<string, string>>;
  /** Every secret that may be on the wire: what tokens are asked for with, and the last tokens. Changes when `generation` does. */
  secrets(): readonly string[];
  readonly generation: number;
}

/** What `--credential` says, before anything is asked for: static values, and how to get the others. */
export interface CredentialDocument {
  readonly values: readonly DocumentValue[];
  /** What programs learn of the Google Cloud project; nothing of it is secret. */
  readonly gcp: GoogleFacts;
}

export interface GoogleFacts {
  readonly projectId: string | null;
  readonly email: string | null;
}

export interface DocumentValue {
  readonly variable: string;
  readonly value: string | TokenGrant;
}

export type TokenGrant = ClientGrant | ServiceAccountGrant;

/** RFC 7523: a signed assertion, as service accounts of Google Cloud send it. */
export interface ServiceAccountGrant {
  readonly strategy: 'google-service-account-jwt';
  readonly tokenUrl: string;
  readonly email: string;
  /** PEM. */
  readonly privateKey: string;
  readonly scopes: readonly string[];
}

/** RFC 6749: sections 4.4 (client credentials) and 6 (refresh tokens). */
export interface ClientGrant {
  readonly strategy: 'oauth2-client-credentials' | 'oauth2-refresh-token';
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Null: a public client. */
  readonly clientSecret: string | null;
  readonly refreshToken: string | null;
  readonly scopes: readonly string[];
  readonly audience: string | null;
}

/** Bounds of credentials. docs/limits.md lists them; a test compares. */
export const CREDENTIAL_LIMITS = {
  /** Bytes of a credential as it is given: a variable, a file, what a descriptor yields. */
  credentialBytes: 64 * 1024,
  /** Values of one credential. */
  credentialValues: 32,
  /** Characters of a value: fewer would be found, and masked, in what has nothing to do with it. */
  shortestValue: 8,
  /** Characters of a value. */
  longestValue: 16 * 1024,
  /** Characters of a placeholder in a body: longer ones are no placeholders. */
  placeholderBytes: 256,
  /** Bytes of the head of a request with its credentials filled in. */
  filledHeadBytes: 64 * 1024,
  /** Bytes of a text message with its credentials filled in. */
  filledMessageBytes: 4 * 1024 * 1024,
  /** Bytes of a form's field in which placeholders are replaced. */
  formFieldBytes: 64 * 1024,
  /** Bytes of a body that are held to tell its length; longer ones are sent in chunks. */
  heldBodyBytes: 256 * 1024,
  /** Bytes of a body that is signed. */
  signedBodyBytes: 10 * 1024 * 1024,
  /** Content codings of an answer, one in the other. */
  contentCodings: 2,
  /** Milliseconds that a token endpoint may take. */
  tokenMs: 30_000,
  /** Bytes of a token endpoint's answer. */
  tokenAnswerBytes: 64 * 1024,
  /** Seconds before its end at which a token is renewed. */
  tokenMarginSeconds: 30,
  /** Seconds that a token is taken to live when the answer says nothing. */
  tokenDefaultSeconds: 300,
  /** Seconds that a token is kept, whatever the answer says. */
  tokenLongestSeconds: 3600,
} as const;
