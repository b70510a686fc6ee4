/** Headers, bodies and facts of requests whose bodies are read, for tests. */
import { withBody } from '../../src/inspect/asked.ts';
import type { HeaderValues } from '../../src/inspect/header-values.ts';
import type { Asked, AskedItem } from '../../src/match/asked.ts';
import type {
  GraphqlRules,
  GrpcRules,
  JsonRpcRules,
  McpRules,
  MessageRules,
} from '../../src/plan/messages.ts';
import { request } from '../match/requests.ts';

export type Given = Readonly<Record<string, string | readonly string[]>>;

export const headers =
  (given: Given): HeaderValues =>
  (name) =>
    [given[name] ?? []].flat();

export const JSON_TYPE: Given = { 'content-type': 'application/json' };

export const GRAPHQL: GraphqlRules = {
  kind: 'graphql',
  maxBodyBytes: 65_536,
  registered: [],
  allow: [],
  deny: [],
};
export const JSON_RPC: JsonRpcRules = { kind: 'json-rpc', maxBodyBytes: 65_536, allow: [], deny: [] };
export const MCP: McpRules = {
  kind: 'mcp',
  maxBodyBytes: 65_536,
  strictToolNames: true,
  versions: ['2025-11-25'],
  allow: [],
  deny: [],
};
export const GRPC: GrpcRules = { kind: 'grpc', allow: [], deny: [] };

/** `METHOD target` and a body: a text as it is, anything else as JSON. */
export async function ask(
  reading: MessageRules,
  target: string,
  body: unknown = '',
  given: Given = JSON_TYPE,
): Promise<Asked | string> {
  const bytes =
    body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const facts = await withBody(reading, request(target), headers(given), bytes);
  return facts.ok ? facts.value.asked! : `${facts.error.reason}: ${facts.error.detail}`;
}

/** What is asked for, as short texts: `query viewer,repository Name`, `tools/call search core`, `pkg.Svc/Method`. */
export function short(asked: Asked | string): string | readonly string[] {
  if (typeof asked === 'string') return `! ${asked}`;
  if (asked.kind === 'control') return 'control';
  return asked.items.map(textOf);
}

function textOf(item: AskedItem): string {
  switch (item.kind) {
    case 'operation':
      return [item.type ?? '?', item.fields.join(), item.name ?? ''].join(' ').trim();
    case 'call':
      return [item.method, item.tool ?? '', item.core ? 'core' : ''].filter((text) => text !== '').join(' ');
    case 'method':
      return `${item.service}/${item.method}`;
  }
}
