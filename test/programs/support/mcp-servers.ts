/** Servers of MCP by the official packages, of both lines, with the tools `search` and `drop`. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { McpServer as Server1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { createMcpHandler, McpServer as Server2 } from '@modelcontextprotocol/server';

/** Which tools were run, in order. */
export type Ran = string[];

const NAME = { name: 'server of a test', version: '1' };
const TOOLS = ['search', 'drop'];
const answer = (tool: string) => ({ content: [{ type: 'text' as const, text: `${tool} ran` }] });

/** Revisions with sessions, by package 1.x. */
export function sessions(ran: Ran): RequestListener {
  const open = new Map<string, StreamableHTTPServerTransport>();
  const begin = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void open.set(id, transport),
    });
    const server = new Server1(NAME);
    for (const tool of TOOLS)
      server.registerTool(tool, {}, () => {
        ran.push(tool);
        return answer(tool);
      });
    await server.connect(transport as Transport);
    return transport;
  };
  return async (request, response) => {
    const known = open.get(String(request.headers['mcp-session-id']));
    await (known ?? (await begin())).handleRequest(request, response);
  };
}

/** Revision 2026-07-28, by packages 2.x. */
export function stateless(ran: Ran): RequestListener {
  const handler = createMcpHandler(() => {
    const server = new Server2(NAME);
    for (const tool of TOOLS)
      server.registerTool(tool, {}, () => {
        ran.push(tool);
        return answer(tool);
      });
    return server;
  });
  return (request, response) => void relay(request, response, (asked) => handler.fetch(asked));
}

async function relay(
  request: IncomingMessage,
  response: ServerResponse,
  serve: (request: Request) => Promise<Response>,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = 'GET', url = '/' } = request;
  const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const body = method === 'POST' ? { body: Buffer.concat(chunks) } : {};
  const answered = await serve(new Request(`https://mcp2.test${url}`, { method, headers, ...body }));
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  for await (const chunk of answered.body ?? []) response.write(chunk);
  response.end();
}
