import { Agent, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bench, event, events, eventually, json, onCleanup, PROCESS, provider } from './provider.ts';

const KEY = 'sk-real-0123456789abcdef';
const CHAT = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
const CHAT_ANSWER = {
  id: 'c',
  choices: [{ message: { content: 'hello' } }],
  usage: { prompt_tokens: 5, completion_tokens: 2 },
};
const never = (): void => undefined;

describe('a call', () => {
  it('goes to its route with the model and the key of the route, and its answer comes back', async () => {
    const openai = await provider(json(CHAT_ANSWER, 200, { 'x-request-id': 'r1', 'set-cookie': 'a=b' }));
    const { ask, events: told } = await bench(
      `  - {name: chat, provider: openai, endpoint: "${openai.url}/v1", credential: env:A, model: gpt-5, aliases: [m]}`,
      { secrets: { chat: KEY } },
    );
    const answer = await ask('/v1/chat/completions', CHAT, {
      headers: { authorization: 'Bearer placeholder' },
    });
    expect(answer).toMatchObject({ status: 200, text: JSON.stringify(CHAT_ANSWER), broken: false });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(JSON.stringify(CHAT_ANSWER).length),
      'x-request-id': 'r1',
    });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(openai.asked).toMatchObject([
      {
        method: 'POST',
        url: '/v1/chat/completions',
        headers: { authorization: `Bearer ${KEY}`, host: `localhost:${openai.port}` },
        body: '{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}',
      },
    ]);
    expect(told).toMatchObject([
      {
        type: 'decision',
        layer: 'inference',
        action: 'allow',
        reason: 'allowed',
        process: PROCESS,
        subject: {
          kind: 'inference',
          method: 'POST',
          path: '/v1/chat/completions',
          protocol: 'openai_chat_completions',
          model: 'm',
          route: 'chat',
          status: 200,
          tokens: { input: 5, output: 2, estimated: false },
        },
      },
    ]);
  });

  it('of the other shape goes to another provider, at the same time', async () => {
    const openai = await provider(json(CHAT_ANSWER));
    const anthropic = await provider(json({ content: [], usage: { input_tokens: 4, output_tokens: 1 } }));
    const { ask, events: told } = await bench(
      `
  - {name: gpt, provider: openai, endpoint: "${openai.url}/v1", credential: env:A, model: gpt-5}
  - {name: claude, provider: anthropic, endpoint: "${anthropic.url}", credential: env:B, model: claude-sonnet}`,
      { secrets: { gpt: KEY, claude: 'sk-ant-9876543210' } },
    );
    const [one, two] = await Promise.all([
      ask('/v1/chat/completions', CHAT),
      ask('/v1/messages?beta=true', { model: 'x', max_tokens: 1, messages: [] }),
    ]);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(anthropic.asked).toMatchObject([
      {
        url: '/v1/messages?beta=true',
        headers: { 'x-api-key': 'sk-ant-9876543210', 'anthropic-version': '2023-06-01' },
      },
    ]);
    expect(anthropic.asked[0]!.headers).not.toHaveProperty('authorization');
    expect(told.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ route: 'gpt', tokens: { input: 5, output: 2, estimated: false } }),
        expect.objectContaining({ route: 'claude', tokens: { input: 4, output: 1, estimated: false } }),
      ]),
    );
  });

  it('gets errors of the provider as they are', async () => {
    const failing = await provider(json({ error: { message: 'no' } }, 401));
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${failing.url}/v1", model: x}`);
    expect(await ask('/v1/chat/completions', CHAT)).toMatchObject({
      status: 401,
      text: '{"error":{"message":"no"}}',
    });
    expect(told).toMatchObject([{ action: 'allow', subject: { status: 401, tokens: null } }]);
  });

  it('is answered on one connection after the other', async () => {
    const openai = await provider(json(CHAT_ANSWER));
    const { ask } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onCleanup(() => agent.destroy());
    for (let i = 0; i < 3; i += 1)
      expect(await ask('/v1/embeddings', { model: 'x', input: 'a' }, { agent })).toMatchObject({
        status: 200,
        headers: { connection: 'keep-alive' },
      });
  });

  it('may wait for 100 Continue', async () => {
    const openai = await provider(json(CHAT_ANSWER));
    const { port } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const socket = connect(port, '127.0.0.1');
    onCleanup(() => socket.destroy());
    let text = '';
    socket.on('data', (part) => {
      text += part.toString();
    });
    socket.write(
      'POST /v1/chat/completions HTTP/1.1\r\nHost: inference.local\r\nContent-Length: 13\r\nExpect: 100-continue\r\n\r\n',
    );
    await eventually(() => text.includes('100 Continue'));
    socket.write('{"model":"x"}');
    await eventually(() => text.includes('200 OK'));
    expect(openai.asked).toHaveLength(1);
  });
});

describe('the list of models', () => {
  it('is answered here, with the names that calls may use', async () => {
    const { ask, events: told } = await bench(
      '  - {name: r, endpoint: "http://localhost:1/v1", model: x, aliases: [fast]}',
    );
    expect(JSON.parse((await ask('/v1/models')).text)).toMatchObject({
      object: 'list',
      data: [{ id: 'fast' }, { id: 'x' }],
    });
    expect(JSON.parse((await ask('/v1/models/fast')).text)).toMatchObject({ id: 'fast', object: 'model' });
    expect(await ask('/v1/models/other')).toMatchObject({ status: 404 });
    expect(told.map(({ reason }) => reason)).toEqual(['allowed', 'allowed', 'no_inference_route']);
  });
});

describe('a request that is no call', () => {
  it.each([
    ['GET', '/v1/not-inference'],
    ['POST', '/v1/files'],
    ['GET', '/'],
    ['POST', '/v1/messages/batches'],
    ['DELETE', '/v1/models/x'],
    ['GET', '/v1/chat/completions'],
  ])('is refused, and the connection closed: %s %s', async (method, path) => {
    const openai = await provider(json(CHAT_ANSWER));
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const answer = await ask(path, undefined, { method });
    expect(answer).toMatchObject({ status: 403, headers: { connection: 'close' } });
    expect(JSON.parse(answer.text)).toMatchObject({
      error: 'connection not allowed by policy',
      code: 'OSH-INF-001',
      layer: 'inference',
      host: 'inference.local',
      port: 443,
      method,
      path,
      binary: '/usr/bin/node',
    });
    expect(told).toMatchObject([
      { type: 'denial', reason: 'not_an_inference_call', subject: { status: 403, ms: 0 } },
    ]);
    expect(openai.asked).toEqual([]);
  });

  it('ends a connection that has had good ones, and nothing behind it is answered', async () => {
    const openai = await provider(json(CHAT_ANSWER));
    const { port } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const good = 'POST /v1/chat/completions HTTP/1.1\r\nHost: inference.local\r\nContent-Length: 2\r\n\r\n{}';
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (part) => {
      text += part.toString();
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(good);
    await eventually(() => openai.asked.length === 1 && text.includes('hello'));
    socket.write(`GET /admin HTTP/1.1\r\nHost: inference.local\r\n\r\n`);
    await closed;
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403']);
  });

  it.each([
    ['/v1/../admin', 'not_an_inference_call'],
    ['/v1/%2e%2e/%2e%2e/x', 'path_invalid'],
    ['/v1/chat%00/completions', 'path_invalid'],
    ['/v1/models?a=%zz', 'query_invalid'],
  ])('is refused by its canonical path: %s', async (path, reason) => {
    const { ask, events: told } = await bench('  - {name: r, endpoint: "http://localhost:1/v1", model: x}');
    expect((await ask(path)).headers.connection).toBe('close');
    expect(told).toMatchObject([{ type: 'denial', reason }]);
  });
});

describe('a body', () => {
  it.each([
    ['that is no JSON', 'model=a'],
    ['that is no object', '[]'],
    ['with two models', '{"model":"a","model":"b"}'],
    ['with two models, one in disguise', '{"model":"a","\\u006dodel":"b"}'],
    ['with a model that is no text', '{"model":{}}'],
    ['that goes on after its end', '{"model":"a"}{"model":"b"}'],
    ['that is nested without end', `{"model":"a","x":${'['.repeat(100_000)}`],
    ['that is no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['that is empty', ''],
  ])('%s is refused', async (_, body) => {
    const openai = await provider(json(CHAT_ANSWER));
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const answer = await ask('/v1/chat/completions', body);
    expect(answer).toMatchObject({ status: 400, headers: { connection: 'close' } });
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'Bad Request', code: 'OSH-INF-004' });
    expect(told).toMatchObject([{ type: 'denial', reason: 'malformed_request' }]);
    expect(openai.asked).toEqual([]);
  });

  it('with a content coding is refused', async () => {
    const { ask } = await bench('  - {name: r, endpoint: "http://localhost:1/v1", model: x}');
    const headers = { 'content-encoding': 'gzip' };
    expect(await ask('/v1/chat/completions', gzipSync('{}'), { headers })).toMatchObject({ status: 400 });
  });

  it.each([
    ['with a length', { 'content-length': '1001' }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('that is too long is refused, %s', async (_, headers) => {
    const { ask, events: told } = await bench('  - {name: r, endpoint: "http://localhost:1/v1", model: x}', {
      limits: { callBytes: 1000 },
    });
    const answer = await ask('/v1/chat/completions', `{"a":"${'x'.repeat(993)}"}`, { headers });
    expect(answer).toMatchObject({ status: 413, headers: { connection: 'close' } });
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'Payload Too Large' });
    expect(told).toMatchObject([{ type: 'denial', reason: 'request_too_large' }]);
  });

  it('that is nearly too long passes whole', async () => {
    const openai = await provider(json(CHAT_ANSWER));
    const { ask } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: xx}`, {
      limits: { callBytes: 2_000_000 },
    });
    const text = 'y'.repeat(1_999_000);
    expect(await ask('/v1/chat/completions', { model: 'a', messages: text })).toMatchObject({ status: 200 });
    expect(openai.asked[0]!.body).toBe(`{"model":"xx","messages":"${text}"}`);
  });

  it('that does not come is not waited for', async () => {
    const { port, events: told } = await bench('  - {name: r, endpoint: "http://localhost:1/v1", model: x}', {
      limits: { callBodyMs: 50 },
    });
    const socket = connect(port, '127.0.0.1');
    onCleanup(() => socket.destroy());
    socket.on('error', () => {});
    socket.write('POST /v1/messages HTTP/1.1\r\nHost: inference.local\r\nContent-Length: 100\r\n\r\n{');
    await eventually(() => told.length > 0);
    expect(told).toMatchObject([{ type: 'denial', subject: { status: 408 } }]);
  });

  it('is held only as far as all of them together may be', async () => {
    const silent = await provider(never);
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${silent.url}/v1", model: x}`, {
      limits: { heldCallBytes: 1500 },
    });
    const controller = new AbortController();
    const body = { a: 'x'.repeat(800) };
    const first = ask('/v1/chat/completions', body, { signal: controller.signal }).catch(() => null);
    await eventually(() => silent.asked.length === 1);
    expect(await ask('/v1/chat/completions', body)).toMatchObject({ status: 503 });
    controller.abort();
    await first;
    await eventually(() => told.length === 2);
    const second = new AbortController();
    void ask('/v1/chat/completions', body, { signal: second.signal }).catch(() => null);
    await eventually(() => silent.asked.length === 2);
    second.abort();
  });
});

describe('a model', () => {
  const routes = (url: string): string => `
  - {name: a, endpoint: "${url}/v1", model: gpt-5, aliases: [fast]}
  - {name: b, endpoint: "${url}/v1", model: gpt-4, aliases: []}`;

  it('that no route has is refused with the names that there are', async () => {
    const { ask, events: told } = await bench(routes('http://localhost:1'));
    const answer = await ask('/v1/chat/completions', { model: 'claude' });
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.text)).toMatchObject({
      error: 'model_not_found',
      reason: 'no route answers for the model "claude"',
      next_steps: ['ask for one of the models here: fast, gpt-5, gpt-4'],
    });
    expect(told).toMatchObject([
      { type: 'denial', reason: 'no_inference_route', subject: { model: 'claude' } },
    ]);
  });

  it('chooses the route by name and by alias', async () => {
    const openai = await provider(json(CHAT_ANSWER));
    const { ask, events: told } = await bench(routes(openai.url));
    for (const model of ['fast', 'gpt-4', 'gpt-5']) await ask('/v1/chat/completions', { model });
    expect(told.map(({ subject }) => (subject as { route: string }).route)).toEqual(['a', 'b', 'a']);
    expect(openai.asked.map(({ body }) => body)).toEqual([
      '{"model":"gpt-5"}',
      '{"model":"gpt-4"}',
      '{"model":"gpt-5"}',
    ]);
  });

  it('in a protocol that no route speaks gets OpenShell’s answer', async () => {
    const { ask } = await bench(routes('http://localhost:1'));
    const answer = await ask('/v1/messages', { model: 'gpt-5' });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).error).toBe('no compatible inference route available');
  });

  it('of immense length is not repeated', async () => {
    const { ask, events: told } = await bench(routes('http://localhost:1'));
    const answer = await ask('/v1/chat/completions', { model: 'x'.repeat(3000) });
    expect(answer.text.length).toBeLessThan(2000);
    expect(JSON.stringify(told).length).toBeLessThan(2000);
  });
});

describe('a streamed answer', () => {
  const chunk = (content: string) => event({ choices: [{ delta: { content } }], usage: null });
  const usage = event({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 3 } });

  it('comes as it is made', async () => {
    let more: () => void = never;
    const gate = new Promise<void>((resolve) => {
      more = resolve;
    });
    const openai = await provider(events(chunk('a'), gate, chunk('b'), 'data: [DONE]\n\n'));
    const { ask } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const parts: string[] = [];
    const answer = await ask(
      '/v1/chat/completions',
      { stream: true },
      {
        onPart: (part) => {
          parts.push(part);
          more();
        },
      },
    );
    expect(parts[0]).toBe(chunk('a'));
    expect(answer.text).toBe(`${chunk('a')}${chunk('b')}data: [DONE]\n\n`);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'transfer-encoding': 'chunked',
    });
  });

  it('is counted, without a word to the client that did not ask', async () => {
    const openai = await provider(events(chunk('a'), usage, 'data: [DONE]\n\n'));
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const answer = await ask('/v1/chat/completions', { model: 'm', stream: true });
    expect(answer.text).toBe(`${chunk('a')}data: [DONE]\n\n`);
    expect(openai.asked[0]!.body).toBe('{"model":"x","stream":true,"stream_options":{"include_usage":true}}');
    expect(told).toMatchObject([{ subject: { tokens: { input: 9, output: 3, estimated: false } } }]);
    const asked = await ask('/v1/chat/completions', {
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(asked.text).toContain(usage);
  });

  it('of Anthropic’s shape is counted too', async () => {
    const anthropic = await provider(
      events(
        `event: message_start\n${event({ type: 'message_start', message: { usage: { input_tokens: 7, output_tokens: 1 } } })}`,
        `event: message_delta\n${event({ type: 'message_delta', usage: { output_tokens: 12 } })}`,
        `event: message_stop\n${event({ type: 'message_stop' })}`,
      ),
    );
    const { ask, events: told } = await bench(
      `  - {name: r, provider: anthropic, endpoint: "${anthropic.url}", model: x}`,
    );
    expect((await ask('/v1/messages', { stream: true })).text).toContain('message_stop');
    expect(anthropic.asked[0]!.body).toBe('{"stream":true,"model":"x"}');
    expect(told).toMatchObject([{ subject: { tokens: { input: 7, output: 12, estimated: false } } }]);
  });

  it('without counts is charged by a guess', async () => {
    const openai = await provider(events(chunk('a'), chunk('b'), chunk('c')));
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    await ask('/v1/chat/completions', { stream: true });
    expect(told).toMatchObject([{ subject: { tokens: { output: 3, estimated: true } } }]);
  });

  it('that falls silent ends with an error that clients know', async () => {
    const openai = await provider(events(chunk('a'), new Promise(never)));
    const { ask } = await bench(
      `
  - {name: r, endpoint: "${openai.url}/v1", model: x}
  - {name: s, provider: anthropic, endpoint: "${openai.url}", model: y}`,
      { limits: { answerIdleMs: 300 } },
    );
    const error = { type: 'proxy_stream_error', message: 'response truncated: chunk idle timeout exceeded' };
    expect((await ask('/v1/chat/completions', { stream: true })).text).toBe(
      `${chunk('a')}${event({ error })}`,
    );
    expect((await ask('/v1/messages', { stream: true })).text).toBe(
      `${chunk('a')}event: error\n${event({ type: 'error', error })}`,
    );
  });

  it('that breaks off ends with an error', async () => {
    const openai = await provider((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk('a'), () => setTimeout(() => response.destroy(), 20));
    });
    const { ask } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const answer = await ask('/v1/chat/completions', { stream: true });
    expect(answer.text).toContain('response truncated: upstream read error');
  });

  it('without end is cut', async () => {
    const openai = await provider((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const write = (): void => {
        while (!response.destroyed && response.write(chunk('x'.repeat(1000))));
      };
      response.on('drain', write);
      write();
    });
    const { ask } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`, {
      limits: { wholeAnswerBytes: 200_000 },
    });
    const answer = await ask('/v1/chat/completions', { stream: true });
    expect(answer.text.length).toBeLessThan(210_000);
    expect(answer.text).toContain('response truncated: exceeded maximum streaming body size');
    await eventually(() => openai.left === 1);
  });

  it('to a client that leaves ends at the provider, and is charged', async () => {
    const openai = await provider(events(chunk('a'), new Promise(never)));
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const controller = new AbortController();
    await ask(
      '/v1/chat/completions',
      { stream: true },
      {
        signal: controller.signal,
        onPart: () => controller.abort(),
      },
    ).catch(() => null);
    await eventually(() => openai.left === 1 && told.length === 1);
    expect(told).toMatchObject([{ subject: { status: 200, tokens: { output: 1, estimated: true } } }]);
  });

  it('to a client that reads nothing is not read either, and ends', async () => {
    let wrote = 0;
    const openai = await provider((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const text = chunk('x'.repeat(60_000));
      const write = (): void => {
        if (response.destroyed) return;
        wrote += text.length;
        if (response.write(text)) setImmediate(write);
        else response.once('drain', write);
      };
      write();
    });
    const { port, events: told } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`, {
      limits: { answerIdleMs: 1500 },
    });
    const socket = connect(port, '127.0.0.1');
    onCleanup(() => socket.destroy());
    socket.on('error', () => {});
    socket.pause();
    const body = '{"stream":true}';
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: inference.local\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await eventually(() => told.length === 1);
    expect(wrote).toBeLessThan(25_000_000);
    await eventually(() => openai.left === 1);
  });
});

describe('an answer', () => {
  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('that is compressed (%s) comes decoded', async (coding, compress) => {
    const openai = await provider((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding });
      response.end(compress(JSON.stringify(CHAT_ANSWER)));
    });
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const answer = await ask('/v1/chat/completions', CHAT, { headers: { 'accept-encoding': 'gzip, br' } });
    expect(answer).toMatchObject({ status: 200, text: JSON.stringify(CHAT_ANSWER) });
    expect(answer.headers).not.toHaveProperty('content-encoding');
    expect(openai.asked[0]!.headers['accept-encoding']).toBe('identity');
    expect(told).toMatchObject([{ subject: { tokens: { input: 5, output: 2 } } }]);
  });

  it('that is a bomb is cut', async () => {
    const openai = await provider((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(Buffer.alloc(8_000_000, 0x20)));
    });
    const { ask } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`, {
      limits: { wholeAnswerBytes: 300_000 },
    });
    const answer = await ask('/v1/chat/completions', CHAT);
    expect(answer.broken).toBe(true);
    expect(answer.text.length).toBeLessThan(400_000);
  });

  it.each([
    [
      'in a coding that is not known',
      (response: ServerResponse) => response.writeHead(200, { 'content-encoding': 'zstd' }).end('x'),
    ],
    [
      'that is not the coding it says',
      (response: ServerResponse) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('xxxx'),
    ],
    [
      'that leads elsewhere',
      (response: ServerResponse) => response.writeHead(307, { location: 'http://evil.test/' }).end(),
    ],
    [
      'that is no HTTP',
      (response: ServerResponse) => response.socket!.end('HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n'),
    ],
  ])('%s is answered 502', async (_, answer) => {
    const openai = await provider((response) => void answer(response));
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    const got = await ask('/v1/chat/completions', CHAT);
    expect(got.status).toBe(502);
    expect(JSON.parse(got.text)).toMatchObject({ error: 'inference service error', code: 'OSH-INF-009' });
    expect(told).toMatchObject([{ type: 'decision', action: 'allow', reason: 'upstream_unreachable' }]);
  });

  it('with a header section without end is none', async () => {
    const openai = await provider((response) => {
      response.socket!.on('error', () => {});
      response.socket!.write(`HTTP/1.1 200 OK\r\n${`X: ${'y'.repeat(100)}\r\n`.repeat(1000)}`);
    });
    const { ask } = await bench(`  - {name: r, endpoint: "${openai.url}/v1", model: x}`);
    expect((await ask('/v1/chat/completions', CHAT)).status).toBe(502);
  });

  it('never holds the key, wherever the provider puts it', async () => {
    const echo = await provider((response, { headers }) => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': `id-${KEY}` });
      response.end(JSON.stringify({ headers, usage: { prompt_tokens: 1 } }));
    });
    const { ask, events: told } = await bench(
      `  - {name: r, provider: openai, endpoint: "${echo.url}/v1", credential: env:A, model: x}`,
      { secrets: { r: KEY } },
    );
    const answer = await ask('/v1/chat/completions', CHAT);
    expect(echo.asked[0]!.headers.authorization).toContain(KEY);
    expect(answer.text).toContain(`Bearer ${'*'.repeat(KEY.length)}`);
    expect(JSON.stringify([answer, told])).not.toContain(KEY);
  });

  it('that takes longer than the route allows is 503', async () => {
    const slow = await provider(never);
    const { ask, events: told } = await bench(
      `  - {name: r, endpoint: "${slow.url}/v1", model: x, timeout: 1s}`,
    );
    const answer = await ask('/v1/chat/completions', CHAT);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'inference service unavailable' });
    expect(told).toMatchObject([
      { reason: 'upstream_unreachable', subject: { tokens: { output: 0, estimated: true } } },
    ]);
  });

  it('of a provider that is not there is 503', async () => {
    const { ask, events: told } = await bench('  - {name: r, endpoint: "http://localhost:1/v1", model: x}');
    const answer = await ask('/v1/chat/completions', CHAT);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text).reason).toBe('the provider of the route r: no connection could be made');
    expect(told).toMatchObject([
      { action: 'allow', reason: 'upstream_unreachable', subject: { tokens: null } },
    ]);
  });
});

describe('failover', () => {
  it.each([
    ['cannot be reached', null],
    ['is overloaded', json({ error: 'busy' }, 529)],
    ['fails', json({ error: 'oops' }, 500)],
    ['is asked too much', json({ error: 'slow down' }, 429)],
    ['closes the connection', (response: ServerResponse) => void response.socket!.destroy()],
    ['answers nonsense', (response: ServerResponse) => void response.socket!.end('nonsense\r\n\r\n')],
  ])('takes the next when the first %s', async (_, answer) => {
    const first = answer === null ? null : await provider(answer);
    const second = await provider(json(CHAT_ANSWER));
    const { ask, events: told } = await bench(
      `
  - {name: a, endpoint: "${first?.url ?? 'http://localhost:1'}/v1", model: x, failover: [b, c]}
  - {name: b, endpoint: "${second.url}/v1", model: y}
  - {name: c, endpoint: "http://localhost:1/v1", model: z}`,
    );
    expect(await ask('/v1/chat/completions', CHAT)).toMatchObject({ status: 200 });
    expect(second.asked).toMatchObject([{ body: expect.stringContaining('"model":"y"') }]);
    expect(told).toMatchObject([{ subject: { route: 'b', status: 200 } }]);
  });

  it('gives the answer of the last when all fail', async () => {
    const first = await provider(json({ error: 'one' }, 500));
    const second = await provider(json({ error: 'two' }, 503));
    const { ask } = await bench(
      `
  - {name: a, endpoint: "${first.url}/v1", model: x, failover: [b]}
  - {name: b, endpoint: "${second.url}/v1", model: y}`,
    );
    expect(await ask('/v1/chat/completions', CHAT)).toMatchObject({ status: 503, text: '{"error":"two"}' });
  });

  it('does not happen for errors of the client, nor after the answer has begun', async () => {
    const second = await provider(json(CHAT_ANSWER));
    const refusing = await provider(json({ error: 'bad' }, 400));
    const breaking = await provider((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n', () => setTimeout(() => response.destroy(), 20));
    });
    const { ask } = await bench(
      `
  - {name: a, endpoint: "${refusing.url}/v1", model: x, failover: [s]}
  - {name: b, endpoint: "${breaking.url}/v1", model: y, failover: [s]}
  - {name: s, endpoint: "${second.url}/v1", model: z}`,
    );
    expect(await ask('/v1/chat/completions', { model: 'x' })).toMatchObject({ status: 400 });
    expect((await ask('/v1/chat/completions', { model: 'y', stream: true })).text).toContain(
      'proxy_stream_error',
    );
    expect(second.asked).toEqual([]);
  });
});

describe('a budget', () => {
  it('refuses politely once it is used up, in the form of each provider', async () => {
    const openai = await provider(json(CHAT_ANSWER));
    const anthropic = await provider(json({ usage: { input_tokens: 10, output_tokens: 10 } }));
    const { ask, events: told } = await bench(
      `
  - {name: a, endpoint: "${openai.url}/v1", model: x, budget: {tokens: 10}}
  - {name: b, provider: anthropic, endpoint: "${anthropic.url}", model: y, budget: {tokens: 1}}`,
    );
    expect((await ask('/v1/chat/completions', CHAT)).status).toBe(200);
    expect((await ask('/v1/chat/completions', CHAT)).status).toBe(200);
    const over = await ask('/v1/chat/completions', CHAT);
    expect(over).toMatchObject({
      status: 429,
      headers: { 'x-should-retry': 'false', connection: 'keep-alive' },
    });
    expect(JSON.parse(over.text)).toEqual({
      error: {
        message: 'The budget of 10 tokens of the route a is used up in this sandbox (OSH-INF-012).',
        type: 'insufficient_quota',
        param: null,
        code: 'insufficient_quota',
      },
    });
    expect((await ask('/v1/messages', {})).status).toBe(200);
    const other = await ask('/v1/messages', {});
    expect(other.status).toBe(429);
    expect(JSON.parse(other.text)).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } });
    expect(openai.asked).toHaveLength(2);
    expect(told.filter(({ type }) => type === 'denial')).toMatchObject([
      { reason: 'budget_exhausted', subject: { route: 'a', status: 429 } },
      { reason: 'budget_exhausted', subject: { route: 'b', status: 429 } },
    ]);
  });

  it('that is used up leads to the failover', async () => {
    const first = await provider(json(CHAT_ANSWER));
    const second = await provider(json(CHAT_ANSWER));
    const { ask } = await bench(
      `
  - {name: a, endpoint: "${first.url}/v1", model: x, budget: {tokens: 1}, failover: [b]}
  - {name: b, endpoint: "${second.url}/v1", model: y}`,
    );
    for (let i = 0; i < 3; i += 1) expect((await ask('/v1/chat/completions', CHAT)).status).toBe(200);
    expect([first.asked.length, second.asked.length]).toEqual([1, 2]);
  });

  it('cannot be kept whole by leaving before the counts come', async () => {
    const openai = await provider(events(event({ choices: [{}] }), new Promise(never)));
    const { ask, events: told } = await bench(
      `  - {name: a, endpoint: "${openai.url}/v1", model: x, budget: {tokens: 5}}`,
    );
    const controller = new AbortController();
    await ask(
      '/v1/chat/completions',
      { ...CHAT, stream: true },
      {
        signal: controller.signal,
        onPart: () => controller.abort(),
      },
    ).catch(() => null);
    await eventually(() => told.length === 1);
    expect((await ask('/v1/chat/completions', CHAT)).status).toBe(429);
  });
});

describe('many calls', () => {
  it('at once are bounded', async () => {
    const silent = await provider(never);
    const { ask, events: told } = await bench(`  - {name: r, endpoint: "${silent.url}/v1", model: x}`, {
      limits: { calls: 2 },
    });
    const controller = new AbortController();
    const open = [1, 2].map(() =>
      ask('/v1/chat/completions', CHAT, { signal: controller.signal }).catch(() => null),
    );
    await eventually(() => silent.asked.length === 2);
    expect(await ask('/v1/chat/completions', CHAT)).toMatchObject({ status: 503 });
    expect(await ask('/v1/models')).toMatchObject({ status: 200 });
    expect(told[0]).toMatchObject({ type: 'denial', reason: 'too_many_calls' });
    controller.abort();
    await Promise.all(open);
  });

  it('end when the router is closed', async () => {
    const silent = await provider(never);
    const {
      ask,
      router,
      events: told,
    } = await bench(`  - {name: r, endpoint: "${silent.url}/v1", model: x}`);
    const open = ask('/v1/chat/completions', CHAT).catch(() => null);
    await eventually(() => silent.asked.length === 1);
    await router.close();
    await eventually(() => silent.left === 1 && told.length === 1);
    void open;
  });
});
