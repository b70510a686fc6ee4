/** AWS Signature Version 4: what a client signed with placeholders is signed anew with the credential. */
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { err, ok, type Result } from '../base/result.ts';
import type { RequestSigning } from '../plan/plan.ts';
import { valuesOf, without } from './header-list.ts';
import type { InjectableRequest, InjectedBody } from './injection.ts';
import { type InjectionProblem, problem } from './problem.ts';
import { CREDENTIAL_LIMITS } from './provider.ts';

export interface SignedRequest {
  readonly headers: readonly string[];
  readonly body: InjectedBody;
}

/** The value of a variable of the provider; null: it has none of that name. */
type Lookup = (variable: string) => Promise<Result<string | null, string>>;

export interface Signing {
  readonly signRequest: typeof signRequest;
  readonly unsigned: typeof unsigned;
}

const SIGNATURE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
  'expect',
]);
/** Changed on the way, or by clients that send a request again. */
const NOT_SIGNED = new Set([
  'accept',
  'accept-encoding',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'connection',
  'content-length',
  'transfer-encoding',
  'user-agent',
  'via',
]);
const UNSIGNED = 'UNSIGNED-PAYLOAD';
const UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
const EMPTY = createHash('sha256').digest('hex');

/** Without what a signature of the client's own has put there. */
export const unsigned = (headers: readonly string[]): string[] => without(headers, SIGNATURE_HEADERS);

/**
 * @param request after `unsigned`
 * @param hashed the X-Amz-Content-Sha256 that the client sent
 */
export async function signRequest(
  request: InjectableRequest,
  hashed: string | null,
  signing: RequestSigning,
  lookup: Lookup,
): Promise<Result<SignedRequest, InjectionProblem>> {
  const region = signing.region ?? regionOf(request.host);
  if (region === null)
    return err(
      problem(
        'credential_unavailable',
        'the host tells no region to sign for: the policy needs `signing_region`',
      ),
    );
  const credentials = await awsCredentials(lookup);
  if (!credentials.ok) return credentials;
  const hash = payloadHash(request, hashed, signing);
  if (!hash.ok) return hash;
  const signer = new SignatureV4({
    service: signing.service,
    region,
    credentials: credentials.value,
    sha256: Sha256,
    uriEscapePath: signing.service !== 's3',
  });
  if (hash.value !== null) {
    const headers = await signedHeaders(signer, request, hash.value);
    return ok({ headers, body: { kind: 'same' } });
  }
  const sign = async (body: Buffer): Promise<Result<readonly string[], InjectionProblem>> => {
    const rest = without(request.headers, new Set(['content-length', 'transfer-encoding']));
    const whole = { ...request, headers: [...rest, 'Content-Length', String(body.length)] };
    return ok(await signedHeaders(signer, whole, createHash('sha256').update(body).digest('hex')));
  };
  return ok({
    headers: request.headers,
    body: { kind: 'signed', most: CREDENTIAL_LIMITS.signedBodyBytes, sign },
  });
}

/** Null: the body has to be read first. What the client hashed is signed as it says: the server compares. */
function payloadHash(
  { hasBody, headers }: InjectableRequest,
  hashed: string | null,
  { payload }: RequestSigning,
): Result<string | null, InjectionProblem> {
  if (payload === 'unsigned') return ok(UNSIGNED);
  if (!hasBody) return ok(EMPTY);
  if (payload === 'signed') return ok(null);
  if (hashed === null) return ok(valuesOf(headers, 'content-length').length > 0 ? null : UNSIGNED);
  if (hashed === UNSIGNED || hashed === UNSIGNED_TRAILER) return ok(hashed);
  if (/^[0-9a-f]{64}$/.test(hashed)) return ok(hashed);
  return err(
    problem(
      'credential_not_placeable',
      'every piece of the body was signed by the client, with a placeholder; it must be sent with one hash or unsigned',
    ),
  );
}

async function signedHeaders(
  signer: SignatureV4,
  { method, target, headers, host, port, tls }: InjectableRequest,
  hash: string,
): Promise<string[]> {
  const mark = target.indexOf('?');
  const byName: Record<string, string> = { host: valuesOf(headers, 'host')[0] ?? host };
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    byName[name] =
      byName[name] === undefined || name === 'host' ? headers[i + 1]! : `${byName[name]},${headers[i + 1]}`;
  }
  byName['x-amz-content-sha256'] = hash;
  const signed = await signer.sign(
    {
      method,
      protocol: tls ? 'https:' : 'http:',
      hostname: host,
      port,
      path: mark < 0 ? target : target.slice(0, mark),
      query: mark < 0 ? {} : queryOf(target.slice(mark + 1)),
      headers: byName,
    },
    { unsignableHeaders: NOT_SIGNED },
  );
  const added = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'];
  return [
    ...headers,
    ...added.flatMap((name) => (signed.headers[name] === undefined ? [] : [name, signed.headers[name]])),
  ];
}

/** Decoded, for the signer encodes them; a plus is a plus to AWS. */
function queryOf(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeURIComponent(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decodeURIComponent(pair.slice(equals + 1));
    const known = query[name];
    query[name] = known === undefined ? value : [known, value].flat();
  }
  return query;
}

async function awsCredentials(
  lookup: Lookup,
): Promise<
  Result<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }, InjectionProblem>
> {
  const found: (string | null)[] = [];
  for (const variable of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) {
    const value = await lookup(variable);
    if (!value.ok) return err(problem('credential_token_failed', `no value for ${variable}: ${value.error}`));
    found.push(value.value);
  }
  const [accessKeyId, secretAccessKey, sessionToken] = found as [string | null, string | null, string | null];
  if (accessKeyId === null || secretAccessKey === null)
    return err(
      problem(
        'credential_unavailable',
        'the credential has no AWS_ACCESS_KEY_ID or no AWS_SECRET_ACCESS_KEY',
      ),
    );
  return ok({ accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) });
}

/** The label before `amazonaws.com` that ends in a number, as `s3.dualstack.eu-central-1.amazonaws.com`. */
function regionOf(host: string): string | null {
  const labels = /^(.+)\.amazonaws\.com(?:\.cn)?$/.exec(host)?.[1]?.split('.') ?? [];
  return labels.reverse().find((label) => label !== 'dualstack' && /-\d/.test(label)) ?? null;
}

/** What the signer wants of a hash: with a secret it is HMAC. */
class Sha256 {
  #hash: ReturnType<typeof createHash>;
  readonly #secret: string | ArrayBuffer | ArrayBufferView | undefined;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret;
    this.#hash = this.#make();
  }

  #make(): ReturnType<typeof createHash> {
    const secret = this.#secret;
    if (secret === undefined) return createHash('sha256');
    const key =
      typeof secret === 'string'
        ? secret
        : ArrayBuffer.isView(secret)
          ? bytesOf(secret)
          : Buffer.from(secret);
    return createHmac('sha256', key) as unknown as ReturnType<typeof createHash>;
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#make();
  }
}

const bytesOf = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
