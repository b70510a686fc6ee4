import { describe, expect, it } from 'vitest';
import { CallBodyReader } from '../../src/inference/call-body.ts';
import { callPattern } from '../../src/inference/call-pattern.ts';
import { type Call, providerRequest, returnedHeaders } from '../../src/inference/provider-request.ts';
import { routesOf } from './routes.ts';

function call(path: string, body: object, headers: Record<string, string> = {}, query = ''): Call {
  const reader = new CallBodyReader();
  reader.push(Buffer.from(JSON.stringify(body)));
  const read = reader.finish();
  if (!read.ok) throw new Error(read.error);
  return {
    pattern: callPattern('POST', path)!,
    path,
    query,
    headers: new Map(Object.entries(headers)),
    body: read.value,
  };
}

const route = (line: string) => routesOf(`  - {name: r, ${line}}`).routes[0]!;
const OPENAI = route('provider: openai, credential: env:A, model: gpt-5');
const ANTHROPIC = route('provider: anthropic, credential: env:A, model: claude');

const headersOf = (flat: readonly string[]): Record<string, string> =>
  Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]));

describe('a request to a provider', () => {
  it.each([
    ['https://a.test/v1', '/v1/chat/completions', '/v1/chat/completions'],
    ['https://a.test', '/v1/chat/completions', '/v1/chat/completions'],
    ['https://a.test/v1/openai', '/v1/chat/completions', '/v1/openai/chat/completions'],
    ['https://a.test/openai/v4', '/v1/embeddings', '/openai/v4/embeddings'],
    ['https://a.test/proxy', '/v1/responses', '/proxy/v1/responses'],
  ])('at %s asks %s of %s', (endpoint, path, expected) => {
    const { path: at } = providerRequest(call(path, {}), route(`endpoint: "${endpoint}", model: m`), null);
    expect(at).toBe(expected);
  });

  it('keeps the query', () => {
    expect(providerRequest(call('/v1/messages', {}, {}, '?beta=true'), ANTHROPIC, null).path).toBe(
      '/v1/messages?beta=true',
    );
  });

  it('has the credential of the route, and no header of the client but those of the list', () => {
    const given = {
      authorization: 'Bearer mine',
      'x-api-key': 'mine',
      cookie: 'a=b',
      host: 'inference.local',
      'content-length': '3',
      'accept-encoding': 'zstd',
      'content-type': 'text/plain',
      accept: 'application/json',
      'user-agent': 'test/1',
      'openai-organization': 'org',
      'anthropic-beta': 'x',
      'x-stainless-os': 'Linux',
    };
    expect(
      headersOf(providerRequest(call('/v1/chat/completions', {}, given), OPENAI, 'real').headers),
    ).toEqual({
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'test/1',
      'openai-organization': 'org',
      'accept-encoding': 'identity',
      authorization: 'Bearer real',
    });
    expect(headersOf(providerRequest(call('/v1/messages', {}, given), ANTHROPIC, 'real').headers)).toEqual({
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'test/1',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'x',
      'accept-encoding': 'identity',
      'x-api-key': 'real',
    });
  });

  it('takes the client’s version of the API, and sets what the route says', () => {
    const given = { 'anthropic-version': '2024-01-01', 'anthropic-beta': 'mine' };
    const set = route(
      'provider: anthropic, credential: env:A, model: c, headers: {Anthropic-Beta: set, x-a: b}',
    );
    expect(headersOf(providerRequest(call('/v1/messages', {}, given), set, null).headers)).toMatchObject({
      'anthropic-version': '2024-01-01',
      'anthropic-beta': 'set',
      'x-a': 'b',
    });
  });

  it('says the model of the route', () => {
    const { body } = providerRequest(call('/v1/embeddings', { model: 'x', input: 'y' }), OPENAI, null);
    expect(body.toString()).toBe('{"model":"gpt-5","input":"y"}');
  });

  it('asks for token counts at the end of a stream, unless the route says no', () => {
    const streamed = call('/v1/chat/completions', { stream: true });
    expect(providerRequest(streamed, OPENAI, null)).toMatchObject({ addedUsage: true });
    expect(providerRequest(streamed, OPENAI, null).body.toString()).toContain('"include_usage":true');
    const silent = route('endpoint: "https://a.test", model: m, stream_usage: false');
    expect(providerRequest(streamed, silent, null).addedUsage).toBe(false);
    expect(providerRequest(call('/v1/responses', { stream: true }), OPENAI, null).addedUsage).toBe(false);
    expect(providerRequest(call('/v1/chat/completions', {}), OPENAI, null).addedUsage).toBe(false);
    const asked = call('/v1/chat/completions', { stream: true, stream_options: { include_usage: true } });
    expect(providerRequest(asked, OPENAI, null).addedUsage).toBe(false);
  });

  it('to Bedrock has the model in its path and the body as it was', () => {
    const bedrock = route('provider: aws-bedrock, endpoint: "https://b.test", model: "anthropic.claude:1"');
    expect(providerRequest(call('/model/x/invoke', { model: 'x' }), bedrock, null)).toMatchObject({
      path: '/model/anthropic.claude%3A1/invoke',
      body: Buffer.from('{"model":"x"}'),
    });
  });

  it('to a model of Anthropic at Vertex AI has its form', () => {
    const vertex = route(
      'provider: vertex-ai, endpoint: "https://v.test/v1/projects/p/publishers/anthropic/models", model: claude, credential: env:A, protocols: [anthropic_messages]',
    );
    const one = call(
      '/v1/messages',
      { model: 'x', context_management: {}, max_tokens: 1 },
      { 'anthropic-beta': 'x' },
    );
    const sent = providerRequest(one, vertex, 't');
    expect(sent.path).toBe('/v1/projects/p/publishers/anthropic/models/claude:rawPredict');
    expect(sent.body.toString()).toBe('{"max_tokens":1,"anthropic_version":"vertex-2023-10-16"}');
    expect(headersOf(sent.headers)).not.toHaveProperty('anthropic-beta');
    expect(providerRequest(call('/v1/messages', { stream: true }), vertex, 't').path).toMatch(
      /:streamRawPredict$/,
    );
  });
});

describe('returnedHeaders', () => {
  it('leaves out what is the operator’s', () => {
    const returned = returnedHeaders({
      'Content-Type': 'application/json',
      'content-length': '3',
      'transfer-encoding': 'chunked',
      'set-cookie': ['a=b'],
      server: 'x',
      'openai-organization': 'org',
      'anthropic-organization-id': 'id',
      'x-ratelimit-remaining-tokens': '1',
      'anthropic-ratelimit-input-tokens-limit': '2',
      'retry-after': '3',
      'request-id': 'r',
      authorization: 'Bearer x',
    });
    expect(Object.fromEntries(returned)).toEqual({
      'content-type': 'application/json',
      'x-ratelimit-remaining-tokens': '1',
      'anthropic-ratelimit-input-tokens-limit': '2',
      'retry-after': '3',
      'request-id': 'r',
    });
  });
});
