/** What `GET /v1/models` answers: the names that calls may use here, in a form that both kinds of clients read. */
import type { InferenceRoutes } from '../policy/routes/routes.ts';
import { namesOf } from './choose-route.ts';

export interface ModelEntry {
  readonly id: string;
  /** Of OpenAI. */
  readonly object: 'model';
  readonly created: 0;
  readonly owned_by: string;
  /** Of Anthropic. */
  readonly type: 'model';
  readonly display_name: string;
  readonly created_at: string;
}

const entry = (id: string, provider: string): ModelEntry => ({
  id,
  object: 'model',
  created: 0,
  owned_by: provider,
  type: 'model',
  display_name: id,
  created_at: '1970-01-01T00:00:00Z',
});

/** Each name once, by route; those of the first route that has it. */
export function listModels({ routes }: InferenceRoutes): readonly ModelEntry[] {
  const entries = new Map<string, ModelEntry>();
  for (const route of routes)
    for (const name of namesOf(route)) if (!entries.has(name)) entries.set(name, entry(name, route.provider));
  return [...entries.values()];
}

export const modelsBody = (entries: readonly ModelEntry[]): unknown => ({
  object: 'list',
  data: entries,
  has_more: false,
  first_id: entries[0]?.id ?? null,
  last_id: entries.at(-1)?.id ?? null,
});
