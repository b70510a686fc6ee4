/** A server of MCP with what the conformance suite of the protocol asks for, by the official package. */
import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CompleteRequestSchema,
  CreateMessageResultSchema,
  ElicitResultSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** One red pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
/** A header of WAV and no sound. */
const WAV = Buffer.from('RIFF$\0\0\0WAVEfmt \u0010\0\0\0\u0001\0\u0001\0', 'latin1').toString('base64');
const text = (said: string) => ({ type: 'text' as const, text: said });
const image = { type: 'image' as const, data: PNG, mimeType: 'image/png' };
const embedded = (uri: string, said: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType: 'text/plain', text: said },
});
const described = (what: string) => ({ description: `a part of the suite: ${what}` });
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

function everything(): McpServer {
  const capabilities = { logging: {}, completions: {}, resources: { subscribe: true } };
  const server = new McpServer({ name: 'everything', version: '1' }, { capabilities });
  addContent(server);
  addConversations(server);
  addResources(server);
  addPrompts(server);
  const { server: protocol } = server;
  protocol.setRequestHandler(SetLevelRequestSchema, () => ({}));
  protocol.setRequestHandler(SubscribeRequestSchema, () => ({}));
  protocol.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  protocol.setRequestHandler(CompleteRequestSchema, () => ({ completion: { values: ['one'], total: 1 } }));
  return server;
}

function addContent(server: McpServer): void {
  const answers = {
    test_simple_text: [text('This is a simple text response for testing.')],
    test_image_content: [image],
    test_audio_content: [{ type: 'audio' as const, data: WAV, mimeType: 'audio/wav' }],
    test_embedded_resource: [embedded('test://embedded-resource', 'This is an embedded resource content.')],
    test_multiple_content_types: [
      text('Multiple content types test:'),
      image,
      embedded('test://mixed-content-resource', '{"test":"data","value":123}'),
    ],
  };
  for (const [name, content] of Object.entries(answers))
    server.registerTool(name, { description: name }, () => ({ content }));
  server.registerTool('test_error_handling', described('fails'), () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
}

function addConversations(server: McpServer): void {
  server.registerTool('test_tool_with_logging', described('logs'), async (extra) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
      await pause();
    }
    return { content: [text('done')] };
  });
  server.registerTool('test_tool_with_progress', described('progresses'), async (extra) => {
    const progressToken = extra._meta?.progressToken ?? 0;
    for (const progress of [0, 50, 100]) {
      const params = { progressToken, progress, total: 100 };
      await extra.sendNotification({ method: 'notifications/progress', params });
      await pause();
    }
    return { content: [text(String(progressToken))] };
  });
  server.registerTool(
    'test_sampling',
    { ...described('asks the model'), inputSchema: { prompt: z.string() } },
    async ({ prompt }, extra) => {
      const messages = [{ role: 'user' as const, content: text(prompt) }];
      const request = { method: 'sampling/createMessage' as const, params: { messages, maxTokens: 100 } };
      const answered = await extra.sendRequest(request, CreateMessageResultSchema);
      return { content: [text(`LLM response: ${JSON.stringify(answered.content)}`)] };
    },
  );
  server.registerTool(
    'test_elicitation',
    { ...described('asks the user'), inputSchema: { message: z.string() } },
    async ({ message }, extra) => {
      const properties = { username: { type: 'string' as const }, email: { type: 'string' as const } };
      const requestedSchema = { type: 'object' as const, properties, required: ['username', 'email'] };
      const request = { method: 'elicitation/create' as const, params: { message, requestedSchema } };
      const answered = await extra.sendRequest(request, ElicitResultSchema);
      return { content: [text(`User response: ${JSON.stringify(answered)}`)] };
    },
  );
}

function addResources(server: McpServer): void {
  const plain = { mimeType: 'text/plain' };
  server.registerResource('text', 'test://static-text', plain, ({ href }) => ({
    contents: [{ uri: href, ...plain, text: 'This is the content of the static text resource.' }],
  }));
  server.registerResource('binary', 'test://static-binary', { mimeType: 'image/png' }, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'image/png', blob: PNG }],
  }));
  server.registerResource('watched', 'test://watched-resource', plain, ({ href }) => ({
    contents: [{ uri: href, ...plain, text: 'watched' }],
  }));
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource('template', template, { mimeType: 'application/json' }, ({ href }, { id }) => ({
    contents: [
      {
        uri: href,
        mimeType: 'application/json',
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
      },
    ],
  }));
}

function addPrompts(server: McpServer): void {
  const user = 'user' as const;
  server.registerPrompt('test_simple_prompt', described('simple'), () => ({
    messages: [{ role: user, content: text('This is a simple prompt for testing.') }],
  }));
  const argsSchema = { arg1: z.string(), arg2: z.string() };
  server.registerPrompt(
    'test_prompt_with_arguments',
    { ...described('arguments'), argsSchema },
    ({ arg1, arg2 }) => ({
      messages: [{ role: user, content: text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`) }],
    }),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { ...described('a resource'), argsSchema: { resourceUri: z.string() } },
    ({ resourceUri }) => ({
      messages: [
        { role: user, content: embedded(resourceUri, 'Embedded resource content for testing.') },
        { role: user, content: text('Please process the embedded resource above.') },
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', described('an image'), () => ({
    messages: [
      { role: user, content: image },
      { role: user, content: text('Please analyze the image above.') },
    ],
  }));
}

/** Revisions with sessions and streams of events. */
export function everythingServer(): RequestListener {
  const open = new Map<string, StreamableHTTPServerTransport>();
  const begin = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void open.set(id, transport),
    });
    await everything().connect(transport as Transport);
    return transport;
  };
  return async (request, response) => {
    const known = open.get(String(request.headers['mcp-session-id']));
    await (known ?? (await begin())).handleRequest(request, response);
  };
}
