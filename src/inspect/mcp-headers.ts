/** Headers that repeat what a message of MCP is about, for whoever routes by them: both must say the same. */
import { decodeBase64 } from '../base/base64.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import type { HeaderValues } from './header-values.ts';
import type { JsonObject } from './json.ts';

interface Expected {
  /** The revision needs them. */
  readonly required: boolean;
  /** Of several messages at once, which cannot all be named. */
  readonly batch: boolean;
}

const SOURCES: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};
const ENCODED = /^=\?base64\?(.*)\?=$/s;

/** A clause, or null: they agree with the message, or need not be there and are not. */
export function checkNamingHeaders(
  headers: HeaderValues,
  method: string,
  params: JsonObject,
  { required, batch }: Expected,
): string | null {
  const methods = headers('mcp-method');
  const names = headers('mcp-name');
  if (batch) return methods.length + names.length > 0 ? 'Mcp-Method or Mcp-Name stands beside a batch' : null;
  if (methods.length > 1 || names.length > 1) return 'Mcp-Method or Mcp-Name stands there twice';
  if (methods.length === 0 ? required : methods[0] !== method)
    return 'Mcp-Method does not name the method of the message';
  const source = Object.hasOwn(SOURCES, method) ? SOURCES[method]! : null;
  const name = source === null ? undefined : params.get(source);
  if (names.length === 0) return required && name !== undefined ? 'Mcp-Name is missing' : null;
  return name !== undefined && decoded(names[0]!) === name
    ? null
    : 'Mcp-Name does not name what the message is about';
}

/** Null: it is encoded, but not well. */
function decoded(value: string): string | null {
  const match = ENCODED.exec(value);
  if (match === null) return value;
  const bytes = decodeBase64(match[1]!);
  return bytes === null ? null : decodeUtf8(bytes);
}
