/** One call: its routes are asked in their order until one answers, and that answer is sent on. */
import type { Pool } from 'undici';
import type { Mask } from '../inject/mask.ts';
import type { InferenceRoute } from '../policy/routes/routes.ts';
import { AnswerContent, decoded } from './answer-content.ts';
import { type AskProblem, askProvider, type ProviderAnswer } from './ask-provider.ts';
import type { Budgets } from './budgets.ts';
import { relayAnswer } from './call-answer.ts';
import type { ClientStream } from './client-stream.ts';
import type { InferenceLimits } from './limits.ts';
import { type Call, type ProviderRequest, providerRequest, returnedHeaders } from './provider-request.ts';

export interface CallContext {
  readonly budgets: Budgets;
  readonly limits: InferenceLimits;
  readonly poolOf: (route: InferenceRoute) => Pool;
  readonly secretOf: (route: InferenceRoute) => string | null;
  readonly mask: Mask;
}

export interface SpentTokens {
  readonly input: number;
  readonly output: number;
  readonly estimated: boolean;
}

/** `answered`: the client has an answer of a provider, or as much as came of it. */
export type CallEnd =
  | {
      readonly kind: 'answered' | 'gone';
      readonly route: InferenceRoute;
      readonly status: number | null;
      readonly tokens: SpentTokens | null;
    }
  | {
      readonly kind: 'failed';
      readonly route: InferenceRoute;
      readonly problem: AskProblem;
      readonly tokens: SpentTokens | null;
    }
  | { readonly kind: 'exhausted'; readonly route: InferenceRoute };

/** Another route may do better: it is asked too much, or does not work. 529 is Anthropic's "overloaded". */
const WORTH_ANOTHER: ReadonlySet<number> = new Set([429, 500, 502, 503, 504, 529]);

type Routes = readonly [InferenceRoute, ...InferenceRoute[]];

/** @param gone aborted when the client leaves */
export async function makeCall(
  context: CallContext,
  call: Call,
  routes: Routes,
  client: ClientStream,
  gone: AbortSignal,
): Promise<CallEnd> {
  const open = routes.filter((route) => context.budgets.allows(route));
  if (open.length === 0) return { kind: 'exhausted', route: routes[0] };
  let tokens: SpentTokens | null = null;
  for (const [index, route] of open.entries()) {
    const isLast = index === open.length - 1;
    const end = await askRoute(context, call, route, client, gone, isLast);
    tokens = sum(tokens, end.tokens);
    if (end.kind !== 'next' && (end.kind !== 'failed' || isLast || end.problem.kind === 'gone'))
      return { ...end, tokens };
  }
  throw new Error('internal error: the last route has no end');
}

type RouteEnd = Exclude<CallEnd, { kind: 'exhausted' }> | { readonly kind: 'next'; readonly tokens: null };

async function askRoute(
  context: CallContext,
  call: Call,
  route: InferenceRoute,
  client: ClientStream,
  gone: AbortSignal,
  isLast: boolean,
): Promise<RouteEnd> {
  const request = providerRequest(call, route, context.secretOf(route));
  const over = new AbortController();
  // A stream has no end in time: its silences are bounded.
  const signals = [gone, over.signal, ...(call.body.streamed ? [] : [AbortSignal.timeout(route.timeoutMs)])];
  try {
    const asked = await askProvider(context.poolOf(route), route, request, AbortSignal.any(signals));
    if (!asked.ok) {
      const { kind, sent } = asked.error;
      const tokens = sent && kind !== 'bad_answer' ? charge(context, route, request, null) : null;
      if (kind === 'gone') return { kind: 'gone', route, status: null, tokens };
      return { kind: 'failed', route, problem: asked.error, tokens };
    }
    if (!isLast && WORTH_ANOTHER.has(asked.value.status)) return { kind: 'next', tokens: null };
    return await passOn(context, call, route, request, asked.value, client);
  } finally {
    // Whatever of the answer was not read is not wanted.
    over.abort();
  }
}

async function passOn(
  context: CallContext,
  { pattern }: Call,
  route: InferenceRoute,
  request: ProviderRequest,
  { status, headers, body }: ProviderAnswer,
  client: ClientStream,
): Promise<RouteEnd> {
  const coding = headers['content-encoding'];
  const source = decoded(body, Array.isArray(coding) ? coding.join() : coding);
  if (!source.ok) {
    const problem: AskProblem = { kind: 'bad_answer', sent: true, detail: source.error };
    return { kind: 'failed', route, problem, tokens: charge(context, route, request, null) };
  }
  const returned = new Map(
    [...returnedHeaders(headers)].map(([name, value]) => [name, context.mask.text(value)]),
  );
  const isEvents = /^text\/event-stream\s*(?:;|$)/i.test(returned.get('content-type') ?? '');
  const content = new AnswerContent({
    isEvents,
    dropUsage: request.addedUsage,
    mask: context.mask.pieces(),
    limits: context.limits,
  });
  const { begun, cut } = await relayAnswer(client, source.value, content, {
    status,
    headers: returned,
    isEvents,
    anthropic: pattern.protocol === 'anthropic_messages',
    limits: context.limits,
  });
  const tokens = status < 300 ? charge(context, route, request, content) : null;
  if (cut === 'gone') return { kind: 'gone', route, status: begun ? status : null, tokens };
  if (begun) return { kind: 'answered', route, status, tokens };
  const kind = cut === 'timeout' || cut === 'idle' ? 'unavailable' : 'bad_answer';
  const detail = kind === 'unavailable' ? 'it did not answer in time' : 'its answer cannot be passed on';
  return { kind: 'failed', route, problem: { kind, sent: true, detail }, tokens };
}

/**
 * What a provider does not tell is guessed, on the high side: who leaves before the counts come must not get them for
 * nothing. @param content null: no answer came
 */
function charge(
  { budgets }: CallContext,
  route: InferenceRoute,
  { body }: ProviderRequest,
  content: AnswerContent | null,
): SpentTokens {
  const told = content?.tokens ?? null;
  const input = told?.input ?? Math.ceil(body.length / 4);
  // A stream that was cut has told of less than was put out.
  const output = told === null ? (content?.estimatedOutput ?? 0) : told.output;
  const tokens = { input, output, estimated: told === null };
  budgets.charge(route, tokens);
  return tokens;
}

const sum = (a: SpentTokens | null, b: SpentTokens | null): SpentTokens | null =>
  a === null
    ? b
    : b === null
      ? a
      : {
          input: a.input + b.input,
          output: a.output + b.output,
          estimated: a.estimated || b.estimated,
        };
