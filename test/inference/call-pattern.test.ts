import { describe, expect, it } from 'vitest';
import { callPattern } from '../../src/inference/call-pattern.ts';

describe('callPattern', () => {
  it.each([
    ['POST', '/v1/chat/completions', 'openai_chat_completions', null],
    ['POST', '/v1/completions', 'openai_completions', null],
    ['POST', '/v1/responses', 'openai_responses', null],
    ['POST', '/v1/embeddings', 'openai_embeddings', null],
    ['POST', '/v1/messages', 'anthropic_messages', null],
    ['POST', '/model/anthropic.claude%3A1/invoke', 'aws_bedrock_invoke', 'anthropic.claude:1'],
    ['GET', '/v1/models', 'model_discovery', null],
    ['GET', '/v1/models/a', 'model_discovery', 'a'],
    ['GET', '/v1/models/meta/llama-3', 'model_discovery', 'meta/llama-3'],
  ])('%s %s is a call', (method, path, protocol, model) => {
    expect(callPattern(method, path)).toEqual({ protocol, model });
  });

  it.each([
    ['GET', '/v1/chat/completions'],
    ['PUT', '/v1/chat/completions'],
    ['post', '/v1/messages'],
    ['POST', '/v1/messages/'],
    ['POST', '/v1/messages/batches'],
    ['POST', '/v1/messages/count_tokens'],
    ['POST', '/v1/files'],
    ['POST', '/v1/models'],
    ['DELETE', '/v1/models/a'],
    ['GET', '/v1/models/'],
    ['GET', '/v1/modelsx'],
    ['GET', '/v1/not-inference'],
    ['POST', '/V1/messages'],
    ['POST', '/model/a/b/invoke'],
    ['POST', '/model/a/invoke-with-response-stream'],
    ['POST', '/model//invoke'],
    ['POST', '/model/%FF/invoke'],
    ['GET', '/'],
  ])('%s %s is none', (method, path) => {
    expect(callPattern(method, path)).toBeNull();
  });
});
