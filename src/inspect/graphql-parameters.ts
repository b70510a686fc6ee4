/** The parameters of one GraphQL request (GraphQL over HTTP, section "Request Parameters") to the operation that it runs. */
import { err, ok, type Result } from '../base/result.ts';
import { sha256 } from '../base/sha256.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { Operation } from '../match/asked.ts';
import type { RegisteredOperation } from '../plan/messages.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import { anyResembles, hasLookAlike } from './look-alike.ts';

export interface GraphqlReader {
  /** Of graphql.late.ts. */
  readonly readDocument: (text: string, name: string | null) => Result<Operation, string>;
  /** By hash or id. */
  readonly registered: ReadonlyMap<string, RegisteredOperation>;
}

const IDS = ['id', 'documentId', 'queryId'] as const;
export const PARAMETERS = ['query', 'operationName', 'variables', 'extensions', ...IDS] as const;
/** Other names under which servers look for a stored document. */
const OTHER_IDS = ['doc_id', 'hash', 'sha256Hash', 'queryHash', 'persistedQuery', 'persistedQueryId'];

/** Errors are clauses that repeat nothing of what came. */
export function readParameters(parameters: JsonObject, reader: GraphqlReader): Result<Operation, string> {
  if (hasLookAlike(parameters.keys(), PARAMETERS))
    return err('a parameter is named almost like one of GraphQL');
  if (anyResembles(parameters.keys(), OTHER_IDS))
    return err('the document is named in a way that is not known');
  const name = textOrNull(parameters.get('operationName'));
  const query = textOrNull(parameters.get('query'));
  if (!name.ok || !query.ok) return err('`query` or `operationName` is no text');
  for (const key of ['variables', 'extensions']) {
    const value = parameters.get(key);
    if (value !== undefined && value !== null && !isObject(value)) return err(`\`${key}\` is no object`);
  }
  const stored = storedId(parameters);
  if (!stored.ok) return stored;
  const { id, isHash } = stored.value;
  const operationName = name.value === '' ? null : name.value;
  if (query.value !== null && query.value !== '') {
    // A server may run either; only a hash of the document itself leaves no choice.
    if (id !== null && (!isHash || id.toLowerCase() !== sha256(encodeUtf8(query.value))))
      return err('it names a document and another one by a hash or id');
    const read = reader.readDocument(query.value, operationName);
    return read.ok ? read : err(`the document ${read.error}`);
  }
  if (id === null) return err('there is no document');
  return ok(registeredOperation(reader.registered, id, operationName));
}

function registeredOperation(
  registered: GraphqlReader['registered'],
  id: string,
  name: string | null,
): Operation {
  const known = registered.get(id);
  if (known === undefined || (name !== null && known.name !== null && name !== known.name))
    return { kind: 'operation', type: null, name, fields: [] };
  return { kind: 'operation', type: known.type, name: known.name ?? name, fields: known.fields };
}

function storedId(parameters: JsonObject): Result<{ id: string | null; isHash: boolean }, string> {
  const found: { id: JsonValue; isHash: boolean }[] = [];
  for (const key of IDS) {
    const id = parameters.get(key);
    if (id !== undefined && id !== null) found.push({ id, isHash: false });
  }
  const extensions = parameters.get('extensions');
  if (isObject(extensions)) {
    if (hasLookAlike(extensions.keys(), ['persistedQuery']))
      return err('an extension is named almost like `persistedQuery`');
    const persisted = extensions.get('persistedQuery');
    if (persisted !== undefined && persisted !== null) {
      if (!isObject(persisted) || hasLookAlike(persisted.keys(), ['sha256Hash', 'version']))
        return err('`persistedQuery` is malformed');
      found.push({ id: persisted.get('sha256Hash') ?? null, isHash: true });
    }
  }
  if (found.length > 1) return err('it names several stored documents');
  const [one] = found;
  if (one === undefined) return ok({ id: null, isHash: false });
  if (typeof one.id !== 'string' || one.id === '') return err('the id of the stored document is no text');
  return ok({ id: one.id, isHash: one.isHash });
}

function textOrNull(value: JsonValue | undefined): Result<string | null, string> {
  if (value === undefined || value === null) return ok(null);
  return typeof value === 'string' ? ok(value) : err('no text');
}
