/** AWS Signature Version 4 by another implementation: what a request that came must have been signed as. */
import aws4 from 'aws4';

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SignedRequestFacts {
  readonly method: string;
  /** Target as it came. */
  readonly path: string;
  readonly host: string;
  readonly service: string;
  readonly region: string;
}

/** @param sent headers by name in lower case; those that the signature names are signed again */
export function expectedAuthorization(
  sent: Readonly<Record<string, string | undefined>>,
  facts: SignedRequestFacts,
  keys: AwsKeys,
): string {
  const names = /SignedHeaders=([^,]+)/.exec(sent['authorization'] ?? '')?.[1]?.split(';') ?? [];
  const headers = Object.fromEntries(names.map((name) => [name, sent[name] ?? '']));
  const all = Object.fromEntries(names.map((name) => [name, true]));
  const signed = aws4.sign({ ...facts, headers, extraHeadersToInclude: all }, keys);
  return signed.headers['Authorization'] ?? '';
}
