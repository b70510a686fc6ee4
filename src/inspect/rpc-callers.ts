/** Who waits for an answer to a body of JSON-RPC that is refused. */
import { decodeUtf8 } from '../base/utf8.ts';
import { isArray, isObject, type JsonValue, parseJson } from './json.ts';
import { MAX_BATCH } from './json-rpc.ts';

export interface Callers {
  readonly ids: readonly (string | number)[];
  readonly batch: boolean;
}

const MAX_ID = 256;

/** As far as the body can be read: it may be what it is refused for. */
export function callersOf(body: Uint8Array): Callers {
  const text = decodeUtf8(body);
  const parsed = text === null ? null : parseJson(text);
  if (parsed === null || !parsed.ok) return { ids: [], batch: false };
  const batch = isArray(parsed.value);
  const messages = batch
    ? (parsed.value as readonly JsonValue[]).slice(0, MAX_BATCH)
    : [parsed.value as JsonValue];
  const ids = messages.flatMap((message) => {
    const id = isObject(message) && message.has('method') ? message.get('id') : null;
    return typeof id === 'number' || (typeof id === 'string' && id.length <= MAX_ID) ? [id] : [];
  });
  return { ids, batch };
}
