/** The body of a call: the few members that matter, and the same with those changed that have to be. */
import { err, ok, type Result } from '../base/result.ts';
import { JsonMembers, type Member } from './json-members.ts';
import { INFERENCE_LIMITS, type InferenceLimits } from './limits.ts';

export interface CallBody {
  readonly bytes: Buffer;
  /** Null: the body names none. */
  readonly model: string | null;
  readonly streamed: boolean;
  readonly members: ReadonlyMap<string, Member>;
}

/** JSON texts, to be set in the outermost object; null: to be taken out. */
export type BodyChanges = ReadonlyMap<string, string | null>;

const WANTED: ReadonlySet<string> = new Set(['model', 'stream', 'stream_options']);
const KEPT = 4096;

/** Takes the body as it comes, so that a long one is refused early and read only once. */
export class CallBodyReader {
  readonly #json: JsonMembers;
  readonly #parts: Buffer[] = [];

  constructor({
    callDepth,
    callMembers,
  }: Pick<InferenceLimits, 'callDepth' | 'callMembers'> = INFERENCE_LIMITS) {
    this.#json = new JsonMembers({ depth: callDepth, members: callMembers, kept: KEPT }, (key) =>
      WANTED.has(key),
    );
  }

  push(part: Buffer): void {
    this.#parts.push(part);
    this.#json.push(part);
  }

  /** Errors are clauses that follow "the body". */
  finish(): Result<CallBody, string> {
    const shape = this.#json.finish();
    if (!shape.ok) return err(`is no JSON that is accepted here: it ${shape.error}`);
    const list = shape.value;
    if (list === null) return err('is no JSON object');
    const members = new Map(list.map((member) => [member.key, member]));
    const model = memberValue(members.get('model'));
    if (!model.ok || (model.value !== undefined && typeof model.value !== 'string'))
      return err('has a `model` that is no name');
    const stream = memberValue(members.get('stream'));
    if (!stream.ok || ![undefined, null, true, false].includes(stream.value as boolean))
      return err('has a `stream` that is neither `true` nor `false`');
    const options = memberValue(members.get('stream_options'));
    if (!options.ok) return err('has `stream_options` that are too long');
    return ok({
      bytes: Buffer.concat(this.#parts),
      model: (model.value as string | undefined) ?? null,
      streamed: stream.value === true,
      members,
    });
  }
}

/** Undefined: absent. The text was checked already. */
function memberValue(member: Member | undefined): Result<unknown, null> {
  if (member === undefined) return ok(undefined);
  return member.text === null ? err(null) : ok(JSON.parse(member.text) as unknown);
}

/** The object written anew: its other members keep their order, and their values every byte. */
export function changedBody({ bytes, members }: CallBody, changes: BodyChanges): Buffer {
  const parts: Buffer[] = [];
  const add = (key: string, value: Buffer): void => {
    parts.push(Buffer.from(`${parts.length === 0 ? '{' : ','}${JSON.stringify(key)}:`), value);
  };
  for (const { key, start, end } of members.values()) {
    const text = changes.get(key);
    if (text === undefined) add(key, bytes.subarray(start, end));
    else if (text !== null) add(key, Buffer.from(text));
  }
  for (const [key, text] of changes) if (text !== null && !members.has(key)) add(key, Buffer.from(text));
  return parts.length === 0 ? Buffer.from('{}') : Buffer.concat([...parts, Buffer.from('}')]);
}

/**
 * Asks for token counts at the end of a streamed answer, in the way of OpenAI. Null: the client asked already, or
 * wrote what cannot be added to.
 */
export function usageAsked({ members }: CallBody): string | null {
  const member = members.get('stream_options');
  if (member === undefined) return '{"include_usage":true}';
  const options: unknown = member.text === null ? undefined : JSON.parse(member.text);
  if (options === null) return '{"include_usage":true}';
  if (typeof options !== 'object' || Array.isArray(options)) return null;
  if ((options as Record<string, unknown>)['include_usage'] === true) return null;
  return JSON.stringify({ ...options, include_usage: true });
}
