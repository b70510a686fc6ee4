/** A refusal for callers of gRPC: an answer of trailers only (gRPC over HTTP/2, "Responses"), always with status 200. */
import { REFUSALS, type Refusal, type RefusalKind } from './refusal.ts';

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const STATUS = { unknown: 2, invalidArgument: 3, permissionDenied: 7, resourceExhausted: 8, unavailable: 14 };
const BY_HTTP: Readonly<Record<number, number>> = {
  400: STATUS.invalidArgument,
  403: STATUS.permissionDenied,
  413: STATUS.resourceExhausted,
  502: STATUS.unavailable,
  503: STATUS.unavailable,
};
/** Characters; clients bound the header section. */
const MAX_MESSAGE = 1024;

/** Headers of the one HEADERS frame that is the whole answer. */
export function grpcRefusal(kind: RefusalKind, refusal: Refusal): Readonly<Record<string, string>> {
  const text = `${refusal.detail}: ${refusal.reason} [${refusal.code}]`;
  return {
    'content-type': 'application/grpc',
    'grpc-status': String(BY_HTTP[REFUSALS[kind].status] ?? STATUS.unknown),
    'grpc-message': percentEncoded(text),
  };
}

/** Space to `~` but `%` stay as they are; the rest are UTF-8 bytes. Escapes are never cut. */
function percentEncoded(text: string): string {
  let encoded = '';
  for (const character of text) {
    const plain = /^[ -$&-~]$/.test(character);
    const next = plain ? character : /\p{Surrogate}/u.test(character) ? '?' : encodeURIComponent(character);
    if (encoded.length + next.length > MAX_MESSAGE) break;
    encoded += next;
  }
  return encoded;
}
