/** What is known of each kind of provider: where it is, how it is authorised, what it speaks. */
import type { InferenceProtocol, ProviderKind } from './routes.ts';

export interface Provider {
  /** Null: a route has to say it. */
  readonly endpoint: string | null;
  readonly authorisation: 'bearer' | 'x-api-key';
  /** Sent unless the client sent its own. */
  readonly defaultHeaders: readonly (readonly [name: string, value: string])[];
  /** Headers of the client that are sent on, besides those that every provider gets. */
  readonly passed: readonly string[];
  readonly protocols: readonly InferenceProtocol[];
}

const OPENAI: readonly InferenceProtocol[] = [
  'openai_chat_completions',
  'openai_completions',
  'openai_responses',
  'openai_embeddings',
  'model_discovery',
];

const bearer = (
  endpoint: string | null,
  protocols: readonly InferenceProtocol[],
  passed: readonly string[] = [],
): Provider => ({ endpoint, authorisation: 'bearer', defaultHeaders: [], passed, protocols });

export const PROVIDERS: Readonly<Record<ProviderKind, Provider>> = {
  openai: bearer('https://api.openai.com/v1', OPENAI, ['openai-organization', 'x-model-id']),
  anthropic: {
    endpoint: 'https://api.anthropic.com/v1',
    authorisation: 'x-api-key',
    defaultHeaders: [['anthropic-version', '2023-06-01']],
    passed: ['anthropic-version', 'anthropic-beta'],
    protocols: ['anthropic_messages', 'model_discovery'],
  },
  nvidia: bearer('https://integrate.api.nvidia.com/v1', OPENAI, ['x-model-id']),
  deepinfra: bearer('https://api.deepinfra.com/v1/openai', OPENAI, ['x-model-id']),
  'google-vertex-ai': bearer(null, OPENAI),
  'aws-bedrock': bearer(null, ['aws_bedrock_invoke']),
  generic: bearer(null, OPENAI),
};

/** Other words for the kinds, as OpenShell takes them. */
export const PROVIDER_ALIASES: Readonly<Record<string, ProviderKind>> = {
  vertex: 'google-vertex-ai',
  'vertex-ai': 'google-vertex-ai',
  'google-vertex': 'google-vertex-ai',
  'gcp-vertex': 'google-vertex-ai',
};
