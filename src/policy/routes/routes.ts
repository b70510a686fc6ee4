/** Checked routes of `inference.local`: which provider answers which model. Plain data; secrets are named, never held. */
import type { SecretPlace } from '../../base/secret-place.ts';
import type { Span } from '../../base/source.ts';

/** Shapes of a conversation with a provider, by the names that OpenShell gives them. */
export const PROTOCOLS = [
  'openai_chat_completions',
  'openai_completions',
  'openai_responses',
  'openai_embeddings',
  'anthropic_messages',
  'aws_bedrock_invoke',
  'model_discovery',
] as const;
export type InferenceProtocol = (typeof PROTOCOLS)[number];

export type ProviderKind =
  | 'openai'
  | 'anthropic'
  | 'nvidia'
  | 'deepinfra'
  | 'google-vertex-ai'
  | 'aws-bedrock'
  | 'generic';

export interface RouteEndpoint {
  readonly scheme: 'http' | 'https';
  /** Normalised: a name, or the canonical text of an address. */
  readonly host: string;
  readonly port: number;
  /** Begins with `/` or is empty; without a slash at its end. */
  readonly path: string;
}

export interface InferenceRoute {
  readonly name: string;
  readonly span: Span;
  readonly provider: ProviderKind;
  readonly endpoint: RouteEndpoint;
  /** What the provider calls the model. */
  readonly model: string;
  /** What clients may call it besides; null: they may call it anything, as OpenShell has it. */
  readonly aliases: readonly string[] | null;
  readonly protocols: readonly InferenceProtocol[];
  /** Where its secret is read from when the sandbox starts, as in `--credential`. */
  readonly credential: SecretPlace | null;
  /** Milliseconds: of a whole call, or of a streamed one until its answer begins. */
  readonly timeoutMs: number;
  /** Set on every request, whatever the client sent; names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Tokens, in and out, for the life of a sandbox; null: no bound. */
  readonly budgetTokens: number | null;
  /** Names of routes that are tried, in this order, when this one gives no answer. */
  readonly failover: readonly string[];
  /** Whether a streamed answer is asked to end with its token counts. */
  readonly streamUsage: boolean;
}

export interface InferenceRoutes {
  /** In the order of the file; the names differ. */
  readonly routes: readonly InferenceRoute[];
}
