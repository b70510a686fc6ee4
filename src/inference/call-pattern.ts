/** Which requests are calls of a model; everything else is refused. */
import type { InferenceProtocol } from '../policy/routes/routes.ts';

export interface CallPattern {
  readonly protocol: InferenceProtocol;
  /** The model in the path, decoded; null where the body names it. */
  readonly model: string | null;
}

const POSTS: ReadonlyMap<string, InferenceProtocol> = new Map([
  ['/v1/chat/completions', 'openai_chat_completions'],
  ['/v1/completions', 'openai_completions'],
  ['/v1/responses', 'openai_responses'],
  ['/v1/embeddings', 'openai_embeddings'],
  ['/v1/messages', 'anthropic_messages'],
]);
const MODELS = '/v1/models';
const BEDROCK = /^\/model\/([^/]+)\/invoke$/;

/** Takes a canonical path (inspect/request-path.ts) without its query. Null: no call of a model. */
export function callPattern(method: string, path: string): CallPattern | null {
  if (method === 'GET') {
    if (path === MODELS) return { protocol: 'model_discovery', model: null };
    if (!path.startsWith(`${MODELS}/`)) return null;
    return inPath('model_discovery', path.slice(MODELS.length + 1));
  }
  if (method !== 'POST') return null;
  const protocol = POSTS.get(path);
  if (protocol !== undefined) return { protocol, model: null };
  const bedrock = BEDROCK.exec(path);
  return bedrock === null ? null : inPath('aws_bedrock_invoke', bedrock[1]!);
}

function inPath(protocol: InferenceProtocol, text: string): CallPattern | null {
  try {
    const model = decodeURIComponent(text);
    return model === '' ? null : { protocol, model };
  } catch {
    return null;
  }
}
