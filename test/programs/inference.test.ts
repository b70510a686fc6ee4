/** inference.local in whole runs: the official clients of two providers, curl, and a search for the keys. */
import { closeSync, openSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenshellEvent } from '../../src/event/event.ts';
import { type Certificate, makeCertificate } from './support/certificate.ts';
import { because, missing } from './support/host.ts';
import {
  eventsOf,
  type Finished,
  finished,
  inNamespaces,
  openshell,
  PACKAGE,
  start,
} from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const OPENAI_KEY = 'sk-proj-Zq8x-real-key-of-openai';
const ANTHROPIC_KEY = 'sk-ant-Zq8x-real-key-of-anthropic';
const lacking = missing('curl', 'openssl');
const scratch = useScratch();
let certificate: Certificate;
let openai: WebServer;
let anthropic: WebServer;
let spare: WebServer;

interface Sent {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: { readonly model?: string; readonly stream?: boolean };
}
const sent: Sent[] = [];

const answering =
  (answer: (response: ServerResponse, one: Sent) => void) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = '';
    for await (const part of request.setEncoding('utf8')) text += part as string;
    const one = {
      url: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(text || '{}') as Sent['body'],
    };
    sent.push(one);
    answer(response, one);
  };

function stream(response: ServerResponse, blocks: readonly string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const [block, ...rest] = blocks;
  const next = (left: readonly string[]): void => {
    if (left.length === 0) return void response.end();
    response.write(left[0], () => setTimeout(next, 20, left.slice(1)));
  };
  next([block!, ...rest]);
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const named = (value: { readonly type: string }): string => `event: ${value.type}\n${data(value)}`;
const json = (response: ServerResponse, value: unknown, status = 200): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

const likeOpenai = answering((response, { url, body, headers }) => {
  const common = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: body.model };
  const chunk = (delta: object, finish: string | null = null): string =>
    data({ ...common, choices: [{ index: 0, delta, finish_reason: finish }], usage: null });
  if (body.stream === true) {
    const usage = { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 };
    stream(response, [
      chunk({ role: 'assistant', content: 'Hello' }),
      chunk({ content: ' world' }),
      chunk({}, 'stop'),
      data({ ...common, choices: [], usage }),
      'data: [DONE]\n\n',
    ]);
  } else if (url === '/v1/embeddings') {
    json(response, {
      object: 'list',
      model: body.model,
      data: [{ object: 'embedding', index: 0, embedding: [0.5] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
  } else {
    json(response, {
      ...common,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          finish_reason: 'stop',
          message: { role: 'assistant', content: `echo ${headers.authorization}` },
        },
      ],
      usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 },
    });
  }
});

const likeAnthropic = answering((response, { body }) => {
  const message = { id: 'm1', type: 'message', role: 'assistant', model: body.model, stop_reason: null };
  if (body.stream !== true) {
    json(response, {
      ...message,
      stop_reason: 'end_turn',
      content: [{ type: 'text', text: 'Bonjour' }],
      usage: { input_tokens: 7, output_tokens: 1 },
    });
    return;
  }
  stream(
    response,
    [
      {
        type: 'message_start',
        message: { ...message, content: [], usage: { input_tokens: 21, output_tokens: 1 } },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Bonjour' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ' monde' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 6 } },
      { type: 'message_stop' },
    ].map(named),
  );
});

beforeAll(async () => {
  if (lacking.length > 0) return;
  certificate = makeCertificate(scratch, ['openai.test', 'anthropic.test']);
  openai = await serve(likeOpenai, certificate);
  anthropic = await serve(likeAnthropic, certificate);
  spare = await serve(likeOpenai);
});
afterAll(() => Promise.all([openai?.close(), anthropic?.close(), spare?.close()]));

const ROUTES = (): string => `
routes:
  - name: gpt
    provider: openai
    endpoint: https://openai.test/v1
    model: gpt-5
    aliases: [fast]
    credential: env:REAL_OPENAI_KEY
  - name: claude
    provider: anthropic
    endpoint: https://anthropic.test
    model: claude-sonnet-4-5
    aliases: [fast, sonnet]
    credential: file:anthropic.key
  - name: broken
    endpoint: http://localhost:1/v1
    model: nothing
    aliases: []
    failover: [local]
  - name: local
    endpoint: http://localhost:${spare.port}/v1
    model: qwen3
    aliases: []
  - name: little
    endpoint: http://localhost:${spare.port}/v1
    model: little
    aliases: []
    budget: {tokens: 1}
`;

const EVENTS = join(scratch.root, 'events.jsonl');

function words(command: readonly string[], more: readonly string[] = []): string[] {
  // Without namespaces it cannot be hidden in a directory that is shown.
  const directory = inNamespaces ? 'home/project' : '';
  const routes = scratch.write(join(directory, 'routes.yaml'), ROUTES(), 0o600);
  scratch.write(join(directory, 'anthropic.key'), `${ANTHROPIC_KEY}\n`, 0o600);
  const connectTo = [
    `openai.test:443:127.0.0.1:${openai.port}`,
    `anthropic.test:443:127.0.0.1:${anthropic.port}`,
  ];
  return [
    ...['run', '--inference', routes, '--upstream-ca', certificate.authority, '--events', EVENTS],
    ...connectTo.flatMap((text) => ['--connect-to', text]),
    ...['--read', join(PACKAGE, 'node_modules'), ...more, '--', ...command],
  ];
}

const here = { cwd: scratch.project, home: scratch.home, env: { REAL_OPENAI_KEY: OPENAI_KEY } };
const inside = (command: readonly string[], more: readonly string[] = []): Promise<Finished> => {
  scratch.write('events.jsonl', '', 0o600);
  return openshell(words(command, more), here);
};

type Subject = Extract<OpenshellEvent['subject'], { kind: 'inference' }>;
const calls = (): Subject[] =>
  eventsOf(EVENTS).flatMap(({ subject }) => (subject.kind === 'inference' ? [subject] : []));

/** Runs a script of Node inside, with the packages of the official clients. */
function script(text: string, more: readonly string[] = []): Promise<Finished> {
  const at = (name: string): string => JSON.stringify(join(PACKAGE, 'node_modules', name, 'index.mjs'));
  const imports = `import OpenAI from ${at('openai')};\nimport Anthropic from ${at('@anthropic-ai/sdk')};\n`;
  const path = scratch.write('home/project/client.mjs', imports + text);
  return inside([process.execPath, path], ['--read', process.execPath, ...more]);
}

describe.skipIf(lacking.length > 0)(`inference.local ${because(lacking)}`, () => {
  it('streams to the official client of OpenAI', async () => {
    const { code, stdout, stderr } = await script(`
      const client = new OpenAI({ baseURL: 'https://inference.local/v1', apiKey: 'unused', maxRetries: 0 });
      const stream = await client.chat.completions.create({ model: 'fast', stream: true, messages: [{ role: 'user', content: 'hi' }] });
      let text = '', empty = 0;
      for await (const { choices } of stream) { if (choices.length === 0) empty += 1; text += choices[0]?.delta.content ?? ''; }
      const whole = await client.chat.completions.create({ model: 'fast', messages: [{ role: 'user', content: 'hi' }] });
      const embedded = await client.embeddings.create({ model: 'fast', input: 'a', encoding_format: 'float' });
      const models = []; for await (const { id } of client.models.list()) models.push(id);
      const one = await client.models.retrieve('sonnet');
      console.log(JSON.stringify({ text, empty, whole: whole.choices[0].message.content, usage: whole.usage.total_tokens, vector: embedded.data[0].embedding, models, one: one.id }));
    `);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      text: 'Hello world',
      empty: 0,
      whole: `echo Bearer ${'*'.repeat(OPENAI_KEY.length)}`,
      usage: 9,
      vector: [0.5],
      models: ['fast', 'gpt-5', 'sonnet', 'claude-sonnet-4-5', 'nothing', 'qwen3', 'little'],
      one: 'sonnet',
    });
    expect(code).toBe(0);
    expect(sent.slice(-3).map(({ url, body, headers }) => [url, body.model, headers.authorization])).toEqual([
      ['/v1/chat/completions', 'gpt-5', `Bearer ${OPENAI_KEY}`],
      ['/v1/chat/completions', 'gpt-5', `Bearer ${OPENAI_KEY}`],
      ['/v1/embeddings', 'gpt-5', `Bearer ${OPENAI_KEY}`],
    ]);
    expect(calls().map(({ route, model, status, tokens }) => [route, model, status, tokens])).toEqual([
      ['gpt', 'fast', 200, { input: 11, output: 2, estimated: false }],
      ['gpt', 'fast', 200, { input: 5, output: 4, estimated: false }],
      ['gpt', 'fast', 200, { input: 3, output: 0, estimated: false }],
      [null, null, 200, null],
      [null, 'sonnet', 200, null],
    ]);
  });

  it('streams to the official client of Anthropic, beside the other', async () => {
    const { code, stdout, stderr } = await script(`
      const client = new Anthropic({ baseURL: 'https://inference.local', apiKey: 'unused', maxRetries: 0 });
      const ask = { model: 'sonnet', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] };
      const stream = client.messages.stream(ask);
      const parts = []; stream.on('text', (part) => parts.push(part));
      const final = await stream.finalMessage();
      const [whole, other] = await Promise.all([
        client.messages.create({ ...ask, model: 'fast' }),
        new OpenAI({ baseURL: 'https://inference.local/v1', apiKey: 'unused' }).chat.completions.create({ model: 'fast', messages: [] }),
      ]);
      const models = []; for await (const { id } of client.models.list()) models.push(id);
      console.log(JSON.stringify({ parts, usage: final.usage.output_tokens, model: whole.model, other: other.model, models: models.length }));
    `);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      parts: ['Bonjour', ' monde'],
      usage: 6,
      model: 'claude-sonnet-4-5',
      other: 'gpt-5',
      models: 7,
    });
    expect(code).toBe(0);
    const [first] = sent.filter(({ url }) => url === '/v1/messages').slice(-2);
    expect(first!.headers).toMatchObject({ 'x-api-key': ANTHROPIC_KEY });
    expect(first!.headers).not.toHaveProperty('authorization');
    expect(calls()[0]).toMatchObject({ route: 'claude', tokens: { input: 21, output: 6, estimated: false } });
  });

  it('tells the clients of failover nothing, and of an empty budget politely', async () => {
    const { stdout } = await script(`
      const client = new OpenAI({ baseURL: 'https://inference.local/v1', apiKey: 'unused' });
      const ask = (model) => client.chat.completions.create({ model, messages: [] });
      const over = await ask('nothing');
      await ask('little');
      const error = await ask('little').catch((error) => error);
      const unknown = await ask('gpt-9').catch((error) => error);
      console.log(JSON.stringify([over.model, error.constructor.name, error.status, error.code, unknown.status]));
    `);
    expect(JSON.parse(stdout)).toEqual(['qwen3', 'RateLimitError', 429, 'insufficient_quota', 404]);
    // The client was told not to try again.
    expect(calls().map(({ route, status }) => [route, status])).toEqual([
      ['local', 200],
      ['little', 200],
      ['little', 429],
      [null, 404],
    ]);
  });

  it.each([
    ['by the proxy', ''],
    ['past the proxy', 'unset ALL_PROXY all_proxy HTTPS_PROXY https_proxy;'],
  ])('answers curl %s', async (_, before) => {
    const body = '{"model":"sonnet","max_tokens":1,"messages":[]}';
    const { stdout, stderr } = await inside([
      'sh',
      '-c',
      `${before} curl -sS --json '${body}' https://inference.local/v1/messages`,
    ]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ content: [{ text: 'Bonjour' }] });
    expect(eventsOf(EVENTS).map(({ subject }) => subject.kind)).toEqual(['run', 'inference', 'exit']);
  });

  it('speaks HTTP/2, streams in it, and ends its connection after what is no call', async () => {
    const { stdout, stderr } = await script(`
      import { connect } from 'node:http2';
      const session = connect('https://inference.local');
      const ask = (headers, body) => new Promise((resolve, reject) => {
        const stream = session.request(headers, { endStream: body === undefined });
        let status, text = '';
        stream.on('response', (head) => { status = head[':status']; });
        stream.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => resolve({ status, text })).on('error', reject);
        if (body !== undefined) stream.end(JSON.stringify(body));
      });
      const goaway = new Promise((resolve) => session.once('goaway', resolve));
      const post = (path) => ({ ':method': 'POST', ':path': path, 'content-type': 'application/json' });
      const [chat, messages, models] = await Promise.all([
        ask(post('/v1/chat/completions'), { model: 'fast', stream: true }),
        ask(post('/v1/messages'), { model: 'sonnet' }),
        ask({ ':path': '/v1/models' }),
      ]);
      const other = await ask({ ':path': '/admin' });
      await goaway;
      console.log(JSON.stringify([session.alpnProtocol, chat.status, chat.text.includes('[DONE]'), chat.text.includes('"usage":{'), messages.status, models.status, other.status]));
      session.close();
    `);
    expect(stderr).toMatch(/^(?:openshell: refused: .* may not ask inference\.local for GET \/admin.*\n)?$/);
    expect(JSON.parse(stdout)).toEqual(['h2', 200, true, false, 200, 200, 403]);
    expect(calls()).toHaveLength(4);
  });

  it('refuses what is no call, and closes the connection', async () => {
    const { stdout, stderr } = await inside([
      'sh',
      '-c',
      'curl -sS -w "\\n%{http_code} %{num_connects}\\n" https://inference.local/v1/models -o /dev/null -: -sS -w "%{http_code} %{num_connects}\\n" https://inference.local/admin -o /dev/null -: -sS -w "%{http_code} %{num_connects}\\n" https://inference.local/v1/models -o /dev/null',
    ]);
    expect(stdout.trim().split('\n')).toEqual(['200 1', '403 0', '200 1']);
    expect(stderr).toContain('may not ask inference.local for GET /admin: it is no call of a model');
  });

  it('is its port 443 over TLS, and nothing else', async () => {
    const { stdout } = await inside([
      'sh',
      '-c',
      'for url in https://inference.local:8443/v1/models http://inference.local/v1/models http://inference.local:443/v1/models; do curl -s -o /dev/null -w "%{http_code}/%{http_connect} " $url; done',
    ]);
    expect(stdout.trim().split(' ')).toEqual(['000/403', '403/000', '403/000']);
    expect(
      eventsOf(EVENTS)
        .filter(({ type }) => type === 'denial')
        .map(({ reason }) => reason),
    ).toEqual(Array(3).fill('no_policies'));
  });

  it('follows the policy on its other ports', async () => {
    const policy = scratch.policy(
      'version: 1\nnetwork_policies:\n  other:\n    endpoints: [{host: inference.local, port: 8080}]\n    binaries: [{path: /usr/bin/curl}]\n',
    );
    const more = ['--policy', policy, '--connect-to', `inference.local:8080:127.0.0.1:${spare.port}`];
    const { stdout } = await inside(
      [
        'sh',
        '-c',
        'curl -sS --json "{}" http://inference.local:8080/v1/embeddings; curl -sS https://inference.local/v1/models',
      ],
      more,
    );
    expect(stdout).toContain('"embedding":[0.5]');
    expect(stdout).toContain('claude-sonnet-4-5');
  });

  it('keeps keys and routes from everything inside', async () => {
    const { stdout } = await inside([
      'sh',
      '-c',
      'env; cat routes.yaml anthropic.key 2>&1; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\\0" "\\n"; find / -xdev -type f -newer /etc/hostname -size -100k 2>/dev/null | head -100 | xargs cat 2>/dev/null; curl -sS --json \'{"model":"fast"}\' https://inference.local/v1/chat/completions',
    ]);
    expect(stdout).toContain('echo Bearer ***');
    for (const secret of [OPENAI_KEY, ANTHROPIC_KEY, 'REAL_OPENAI_KEY']) expect(stdout).not.toContain(secret);
    for (const event of eventsOf(EVENTS)) {
      expect(JSON.stringify(event)).not.toContain(OPENAI_KEY);
      expect(JSON.stringify(event)).not.toContain(ANTHROPIC_KEY);
    }
  });

  it('may take its keys from a descriptor', async () => {
    const key = scratch.write('key', OPENAI_KEY, 0o600);
    const routes = scratch.write(
      'fd.yaml',
      'routes:\n  - {name: gpt, provider: openai, endpoint: "https://openai.test/v1", model: gpt-5, credential: "fd:3"}\n',
    );
    const fd = openSync(key, 'r');
    const words = [
      ...['run', '--inference', routes, '--upstream-ca', certificate.authority],
      ...['--connect-to', `openai.test:443:127.0.0.1:${openai.port}`, '--'],
      ...['curl', '-sS', '--json', '{}', 'https://inference.local/v1/chat/completions'],
    ];
    const { stdout } = await finished(start(words, here, { stdio: ['ignore', 'pipe', 'pipe', fd] }));
    closeSync(fd);
    expect(stdout).toContain('echo Bearer ***');
  });
});

describe('--inference', () => {
  const given = (text: string, more: readonly string[] = []): Promise<Finished> =>
    openshell(['run', '--inference', scratch.write('given.yaml', text), ...more, '--', 'true'], here);
  const ROUTE =
    'routes:\n  - {name: a, endpoint: "https://a.test", model: m, credential: "env:REAL_OPENAI_KEY"}\n';

  it('says where the file is wrong, without a secret', async () => {
    const { code, stderr } = await given(
      `routes:\n  - name: a\n    provider: openai\n    model: m\n    api_key: ${OPENAI_KEY}\n`,
    );
    expect(code).toBe(125);
    expect(stderr).toMatch(/given\.yaml:5:5: error: a key is written down here \[literal_secret\]/);
    expect(stderr).not.toContain(OPENAI_KEY);
  });

  it.each([
    [
      'a key that is not set',
      ROUTE.replace('REAL_OPENAI_KEY', 'NONE'),
      [],
      'is not set in the environment of openshell',
    ],
    [
      'a network that is off',
      ROUTE,
      ['--network', 'block'],
      '`--inference` and `--network block` contradict each other',
    ],
    [
      'a key that the program is given too',
      ROUTE,
      ['--env', `X=${OPENAI_KEY}`],
      'stands in the command or the environment of the program too',
    ],
    ['a file that is not there', null, [], 'cannot read the file of routes'],
  ])('is refused with %s', async (_, text, more, message) => {
    const { code, stderr } =
      text === null
        ? await openshell(['run', '--inference', join(scratch.root, 'none.yaml'), '--', 'true'], here)
        : await given(text, more);
    expect(code).toBe(125);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain(OPENAI_KEY);
  });

  it('is in plans and explanations', async () => {
    const file = scratch.write('given.yaml', ROUTE);
    const plan = await openshell(['plan', '--inference', file], here);
    expect(plan.stdout).toContain('inference.local:443 for everybody: routes a');
    const yes = await openshell(['explain', '--inference', file, '--connect', 'inference.local:443'], here);
    expect(yes).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('every program may ask its routes (a)'),
    });
    const no = await openshell(['explain', '--inference', file, '--connect', 'inference.local:80'], here);
    expect(no.code).toBe(1);
  });
});
