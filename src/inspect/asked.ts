/**
 * From a request whose verdict is `unread` to one that can be judged: what the pipeline must read, and what it then
 * gives to `decideRequest` again. What was read is what must be sent, byte for byte.
 */
import { ok, type Result } from '../base/result.ts';
import type { Asked } from '../match/asked.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import type { GraphqlRules, MessageRules } from '../plan/messages.ts';
import { readGraphqlMessage } from './graphql-message.ts';
import type { GraphqlReader } from './graphql-parameters.ts';
import { readGraphqlRequest } from './graphql-request.ts';
import { readGrpcRequest } from './grpc.ts';
import type { HeaderValues } from './header-values.ts';
import { readJsonRpcRequest } from './json-rpc.ts';
import { readMcpRequest } from './mcp.ts';
import type { RequestProblem } from './request-problem.ts';

export interface BodyNeeded {
  /** Bytes; a body that is longer is refused as `body_too_large`. */
  readonly maxBytes: number;
}

/** Null: the body is not looked at, and is sent as it comes. */
export function bodyNeeded(reading: MessageRules, { method }: RequestFacts): BodyNeeded | null {
  if (reading.kind === 'grpc') return null;
  return { maxBytes: method === 'POST' ? reading.maxBodyBytes : 0 };
}

/** `body`: all of it, empty where none is needed. An error is to be refused whatever the endpoint's enforcement is. */
export async function withBody(
  reading: MessageRules,
  facts: RequestFacts,
  headers: HeaderValues,
  body: Uint8Array,
): Promise<Result<RequestFacts, RequestProblem>> {
  switch (reading.kind) {
    case 'graphql':
      return withAsked(facts, readGraphqlRequest(facts, headers, body, await graphqlReader(reading)));
    case 'json-rpc':
      return withAsked(facts, readJsonRpcRequest(facts, headers, body));
    case 'mcp':
      return withAsked(facts, readMcpRequest(facts, headers, body, reading));
    case 'grpc':
      return withAsked(facts, readGrpcRequest(facts, headers));
  }
}

/** A text message of a client, on a connection whose upgrade had these facts: rules call its method `WEBSOCKET_TEXT`. */
export const messageFacts = (upgrade: RequestFacts): RequestFacts => ({
  ...upgrade,
  method: 'WEBSOCKET_TEXT',
  asked: null,
});

/** Makes facts of text messages; `facts` are of `messageFacts`. */
export type MessageReader = (facts: RequestFacts, text: string) => Result<RequestFacts, RequestProblem>;

/** `reading` is of the verdict about `messageFacts`; no text may be longer than it says. */
export async function messageReader(reading: GraphqlRules): Promise<MessageReader> {
  const reader = await graphqlReader(reading);
  return (facts, text) => withAsked(facts, readGraphqlMessage(text, reader));
}

const withAsked = (
  facts: RequestFacts,
  asked: Result<Asked, RequestProblem>,
): Result<RequestFacts, RequestProblem> => (asked.ok ? ok({ ...facts, asked: asked.value }) : asked);

/** A cache, no state: what is registered does not change. */
const readers = new WeakMap<GraphqlRules, GraphqlReader>();

async function graphqlReader(reading: GraphqlRules): Promise<GraphqlReader> {
  const known = readers.get(reading);
  if (known !== undefined) return known;
  const { readDocument } = await import('./graphql.late.ts');
  const reader = { readDocument, registered: new Map(reading.registered.map((one) => [one.id, one])) };
  readers.set(reading, reader);
  return reader;
}
