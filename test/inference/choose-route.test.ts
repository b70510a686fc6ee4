import { describe, expect, it } from 'vitest';
import { chooseRoutes } from '../../src/inference/choose-route.ts';
import { listModels, modelsBody } from '../../src/inference/models.ts';
import type { InferenceProtocol } from '../../src/policy/routes/routes.ts';
import { routesOf } from './routes.ts';

const ROUTES = routesOf(`
  - {name: sonnet, provider: anthropic, credential: env:A, model: claude-sonnet, aliases: [fast, both], failover: [spare, gpt]}
  - {name: spare, provider: anthropic, credential: env:A, model: claude-haiku, aliases: []}
  - {name: gpt, provider: openai, credential: env:B, model: gpt-5, aliases: [both]}
  - {name: any, endpoint: "https://a.test", model: qwen, protocols: [openai_chat_completions]}
`);

const chosen = (protocol: InferenceProtocol, model: string | null) => {
  const result = chooseRoutes(ROUTES, protocol, model);
  return result.ok ? result.value.map(({ name }) => name) : result.error;
};

describe('chooseRoutes', () => {
  it.each([
    ['anthropic_messages', 'claude-sonnet', ['sonnet', 'spare']],
    ['anthropic_messages', 'fast', ['sonnet', 'spare']],
    ['anthropic_messages', 'both', ['sonnet', 'spare']],
    ['openai_chat_completions', 'both', ['gpt']],
    ['openai_chat_completions', 'gpt-5', ['gpt']],
    ['openai_chat_completions', 'fast', ['any']],
    ['openai_chat_completions', null, ['any']],
    ['openai_responses', 'qwen', 'model'],
    ['anthropic_messages', 'gpt-5', 'model'],
    ['anthropic_messages', null, 'no_model'],
    ['aws_bedrock_invoke', 'x', 'protocol'],
  ] as const)('%s with %s: %j', (protocol, model, expected) => {
    expect(chosen(protocol, model)).toEqual(expected);
  });
});

describe('the list of models', () => {
  it('has each name once, in a form for both kinds of clients', () => {
    const models = listModels(ROUTES);
    expect(models.map(({ id, owned_by }) => `${id} ${owned_by}`)).toEqual([
      'fast anthropic',
      'both anthropic',
      'claude-sonnet anthropic',
      'claude-haiku anthropic',
      'gpt-5 openai',
      'qwen generic',
    ]);
    expect(modelsBody(models)).toMatchObject({
      object: 'list',
      has_more: false,
      first_id: 'fast',
      last_id: 'qwen',
    });
    expect(models[0]).toMatchObject({ object: 'model', type: 'model', display_name: 'fast' });
  });
});
