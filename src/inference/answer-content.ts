/** The content of an answer on its way to the client: secrets masked, tokens counted, what was not asked for left out. */
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { err, ok, type Result } from '../base/result.ts';
import type { MaskedBytes } from '../inject/mask.ts';
import { type EventBlock, EventSplitter } from './event-stream.ts';
import { JsonMembers } from './json-members.ts';
import type { InferenceLimits } from './limits.ts';
import { type Tokens, UsageCount } from './usage.ts';

export interface ContentOptions {
  readonly isEvents: boolean;
  /** Leave out the event with the counts that the client did not ask for. */
  readonly dropUsage: boolean;
  readonly mask: MaskedBytes;
  readonly limits: Pick<InferenceLimits, 'streamEventBytes' | 'usageBytes'>;
}

const ANSWER_BOUNDS = { depth: 512, members: 4096 };

export class AnswerContent {
  readonly #options: ContentOptions;
  readonly #usage = new UsageCount();
  readonly #events: EventSplitter | null;
  readonly #json: JsonMembers;
  #eventCount = 0;
  #bytes = 0;

  constructor(options: ContentOptions) {
    this.#options = options;
    const { isEvents, limits } = options;
    this.#events = isEvents ? new EventSplitter(limits.streamEventBytes) : null;
    this.#json = new JsonMembers({ ...ANSWER_BOUNDS, kept: limits.usageBytes }, (key) => key === 'usage');
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What is to be sent for it now. */
  push(chunk: Buffer): Buffer {
    this.#bytes += chunk.length;
    return this.#pass(this.#options.mask.push(chunk));
  }

  /** The answer has ended. */
  finish(): Buffer {
    const last = this.#pass(this.#options.mask.end());
    if (this.#events !== null) return Buffer.concat([last, this.#events.finish()]);
    const members = this.#json.finish();
    const text = members.ok ? members.value?.find(({ key }) => key === 'usage')?.text : null;
    if (text != null) this.#usage.add(JSON.parse(text));
    return last;
  }

  /** As the provider told them; null: it did not. */
  get tokens(): Tokens | null {
    return this.#usage.tokens;
  }

  /** A guess at what was put out, on the high side: one for each event, or one for four bytes. */
  get estimatedOutput(): number {
    return this.#events === null ? Math.ceil(this.#bytes / 4) : this.#eventCount;
  }

  #pass(bytes: Buffer): Buffer {
    if (this.#events === null) {
      this.#json.push(bytes);
      return bytes;
    }
    const kept = this.#events.push(bytes).filter((block) => this.#keeps(block));
    return kept.length === 1 ? kept[0]!.bytes : Buffer.concat(kept.map((block) => block.bytes));
  }

  #keeps({ data }: EventBlock): boolean {
    if (data === null) return true;
    this.#eventCount += 1;
    if (!data.includes('"usage"')) return true;
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      return true;
    }
    this.#usage.addFrom(value);
    return !(this.#options.dropUsage && isOnlyUsage(value));
  }
}

/** The last event of a chat that was asked for its counts: it has no choice, which some clients do not expect. */
const isOnlyUsage = (value: unknown): boolean => {
  const { choices, usage } = value as { choices?: unknown; usage?: unknown };
  return Array.isArray(choices) && choices.length === 0 && typeof usage === 'object' && usage !== null;
};

const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** The body without its coding, which we did not ask for. The error is a clause. */
export function decoded(body: Readable, coding: string | undefined): Result<AsyncIterable<Buffer>, string> {
  const name = coding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '') return ok(body);
  const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name]!() : null;
  if (decoder === null) return err('it has a content coding that was not asked for');
  body.on('error', (error) => (decoder as unknown as Readable).destroy(error));
  return ok(body.pipe(decoder) as unknown as AsyncIterable<Buffer>);
}
