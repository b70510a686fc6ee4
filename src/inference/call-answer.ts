/** Sends the answer of a provider to the client, as fast as the slower of them. */
import type { AnswerContent } from './answer-content.ts';
import type { ClientStream } from './client-stream.ts';
import type { InferenceLimits } from './limits.ts';

/** Why an answer did not get to its end. `gone`: the client left. */
export type CutShort = 'size' | 'idle' | 'timeout' | 'error' | 'gone';

/** The end of a relayed answer. `begun`: its status was sent, and no other answer can take its place. */
export type Relayed = { readonly begun: boolean; readonly cut: CutShort | null };

export interface RelayOptions {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly isEvents: boolean;
  /** The errors of a stream have the form of Anthropic’s. */
  readonly anthropic: boolean;
  readonly limits: Pick<InferenceLimits, 'wholeAnswerBytes' | 'answerIdleMs'>;
}

/** A short answer is sent with its length, and not before it is whole. */
const HELD = 64 * 1024;

const CUT_TEXT: Readonly<Record<Exclude<CutShort, 'gone'>, string>> = {
  size: 'response truncated: exceeded maximum streaming body size',
  idle: 'response truncated: chunk idle timeout exceeded',
  timeout: 'response truncated: route timeout exceeded',
  error: 'response truncated: upstream read error',
};

export async function relayAnswer(
  client: ClientStream,
  source: AsyncIterable<Buffer>,
  content: AnswerContent,
  options: RelayOptions,
): Promise<Relayed> {
  const { isEvents, limits } = options;
  let held: Buffer[] | null = isEvents ? null : [];
  let heldBytes = 0;
  const send = async (bytes: Buffer): Promise<boolean> => {
    if (bytes.length === 0) return !client.gone;
    if (held === null) return await client.write(bytes, limits.answerIdleMs);
    held.push(bytes);
    heldBytes += bytes.length;
    if (heldBytes <= HELD) return !client.gone;
    const all = Buffer.concat(held);
    held = null;
    client.begin(options.status, options.headers);
    return await client.write(all, limits.answerIdleMs);
  };
  if (isEvents) client.begin(options.status, options.headers);
  const cut = await pump(source, content, send, limits);
  const { begun } = client;
  if (cut === 'gone' || client.gone) return { begun, cut: 'gone' };
  if (cut === null) {
    if (held === null) client.end();
    else client.answer(options.status, options.headers, Buffer.concat(held));
    return { begun: true, cut };
  }
  // A client must not take what came for the whole answer.
  if (begun && isEvents) client.end(errorEvent(CUT_TEXT[cut], options.anthropic));
  else if (begun) client.abort();
  return { begun, cut };
}

async function pump(
  source: AsyncIterable<Buffer>,
  content: AnswerContent,
  send: (bytes: Buffer) => Promise<boolean>,
  limits: Pick<InferenceLimits, 'wholeAnswerBytes'>,
): Promise<CutShort | null> {
  try {
    for await (const chunk of source) {
      if (content.bytes + chunk.length > limits.wholeAnswerBytes) return 'size';
      if (!(await send(content.push(chunk)))) return 'gone';
    }
    return (await send(content.finish())) ? null : 'gone';
  } catch (error) {
    return cutBy(error);
  }
}

function cutBy(error: unknown): CutShort {
  const { name, code } = error as NodeJS.ErrnoException;
  if (code === 'UND_ERR_BODY_TIMEOUT') return 'idle';
  if (name === 'TimeoutError') return 'timeout';
  return name === 'AbortError' ? 'gone' : 'error';
}

function errorEvent(message: string, anthropic: boolean): string {
  const error = { type: 'proxy_stream_error', message };
  return anthropic
    ? `event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`
    : `data: ${JSON.stringify({ error })}\n\n`;
}
