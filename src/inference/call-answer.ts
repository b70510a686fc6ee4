/** Sends the answer of a provider to the client, as fast as the slower of them. */
import type { ServerResponse } from 'node:http';
import type { AnswerContent } from './answer-content.ts';
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
  readonly limits: Pick<InferenceLimits, 'answerBytes' | 'idleMs'>;
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
  response: ServerResponse,
  source: AsyncIterable<Buffer>,
  content: AnswerContent,
  options: RelayOptions,
): Promise<Relayed> {
  const { isEvents, limits } = options;
  let held: Buffer[] | null = isEvents ? null : [];
  let heldBytes = 0;
  const begin = (): void => {
    response.writeHead(options.status, Object.fromEntries(options.headers));
    if (isEvents) response.flushHeaders();
  };
  const send = async (bytes: Buffer): Promise<boolean> => {
    if (bytes.length === 0) return true;
    if (held !== null) {
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes <= HELD) return true;
      begin();
      const all = Buffer.concat(held);
      held = null;
      return await written(response, all, limits.idleMs);
    }
    return await written(response, bytes, limits.idleMs);
  };
  if (isEvents) begin();
  const cut = await pump(source, content, send, limits);
  const begun = response.headersSent;
  if (cut === 'gone' || response.destroyed) return { begun, cut: 'gone' };
  if (!begun && cut !== null) return { begun, cut };
  if (cut !== null) {
    // A client must not take what came for the whole answer.
    if (isEvents) response.end(errorEvent(CUT_TEXT[cut], options.anthropic));
    else response.destroy();
    return { begun, cut };
  }
  if (held !== null) {
    const body = Buffer.concat(held as Buffer[]);
    const headers = { ...Object.fromEntries(options.headers), 'content-length': String(body.length) };
    response.writeHead(options.status, headers).end(body);
  } else response.end();
  return { begun: true, cut: null };
}

async function pump(
  source: AsyncIterable<Buffer>,
  content: AnswerContent,
  send: (bytes: Buffer) => Promise<boolean>,
  limits: Pick<InferenceLimits, 'answerBytes'>,
): Promise<CutShort | null> {
  try {
    for await (const chunk of source) {
      if (content.bytes + chunk.length > limits.answerBytes) return 'size';
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

/** False: the client left, or read nothing for too long. */
function written(response: ServerResponse, bytes: Buffer, idleMs: number): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  if (response.write(bytes)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (good: boolean): void => {
      clearTimeout(timer);
      response.off('drain', onDrain);
      response.off('close', onClose);
      resolve(good);
    };
    const onDrain = (): void => settle(true);
    const onClose = (): void => settle(false);
    const timer = setTimeout(() => {
      response.destroy();
      settle(false);
    }, idleMs);
    response.on('drain', onDrain);
    response.on('close', onClose);
  });
}

function errorEvent(message: string, anthropic: boolean): string {
  const error = { type: 'proxy_stream_error', message };
  return anthropic
    ? `event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`
    : `data: ${JSON.stringify({ error })}\n\n`;
}
