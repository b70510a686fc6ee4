/**
 * A text message of GraphQL over WebSocket to the operation that it starts: protocols `graphql-transport-ws`
 * (`subscribe`) and `graphql-ws` of Apollo (`start`). Which of the two is spoken does not matter: a name that one does
 * not know closes the connection there.
 */
import { ok, type Result } from '../base/result.ts';
import type { Asked } from '../match/asked.ts';
import { type GraphqlReader, readParameters } from './graphql-parameters.ts';
import { isObject, parseJson } from './json.ts';
import { hasLookAlike } from './look-alike.ts';
import { problem, type RequestProblem } from './request-problem.ts';

const STARTS = ['subscribe', 'start'];
/** What runs nothing. */
const CONTROLS = ['connection_init', 'connection_terminate', 'ping', 'pong', 'complete', 'stop'];

export function readGraphqlMessage(text: string, reader: GraphqlReader): Result<Asked, RequestProblem> {
  const parsed = parseJson(text);
  if (!parsed.ok) return invalid(`the JSON of the message ${parsed.error}`);
  const message = parsed.value;
  if (!isObject(message)) return invalid('the message is no object');
  if (hasLookAlike(message.keys(), ['id', 'type', 'payload']))
    return invalid('a member of the message is named almost like one of the protocol');
  const type = message.get('type');
  if (typeof type !== 'string') return invalid('the message has no `type`');
  if (CONTROLS.includes(type)) return ok({ kind: 'control' });
  if (!STARTS.includes(type)) return invalid('the `type` of the message is not known');
  const id = message.get('id');
  if (typeof id !== 'string' || id === '') return invalid('the `id` of the message is no text');
  const payload = message.get('payload');
  if (!isObject(payload)) return invalid('the `payload` of the message is no object');
  const operation = readParameters(payload, reader);
  return operation.ok ? ok({ kind: 'items', items: [operation.value] }) : invalid(operation.error);
}

const invalid = (detail: string) => problem('graphql_invalid', detail);
