/** A fake provider, and a router with a server before it, for tests. */
import {
  type Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { ConnectToTable } from '../../src/egress/connect-to.ts';
import type { Draft } from '../../src/event/event.ts';
import { Http1Exchange } from '../../src/http/inspected/http1-exchange.ts';
import { UpstreamTls, upstreamTrust } from '../../src/http/tls/upstream.ts';
import type { InferenceLimits } from '../../src/inference/limits.ts';
import { createInferenceRouter } from '../../src/inference/router.ts';
import { routesOf } from './routes.ts';

const cleanups: (() => unknown)[] = [];
export const onCleanup = (work: () => unknown): void => void cleanups.push(work);
afterEach(async () => {
  for (const work of cleanups.splice(0).reverse()) await work();
});

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface FakeProvider {
  readonly port: number;
  /** `http://localhost:PORT`: by name, as routes have it. */
  readonly url: string;
  readonly asked: Asked[];
  /** Requests whose connection was closed before their answer had ended. */
  left: number;
}

type Answer = (response: ServerResponse, asked: Asked) => void;

export async function provider(answer: Answer): Promise<FakeProvider> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = '', url = '', headers } = request;
    const one = { method, url, headers, body: Buffer.concat(parts).toString() };
    fake.asked.push(one);
    response.on('close', () => {
      if (!response.writableFinished) fake.left += 1;
    });
    response.on('error', () => {});
    answer(response, one);
  });
  const port = await listen(server);
  const fake: FakeProvider = { port, url: `http://localhost:${port}`, asked: [], left: 0 };
  return fake;
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

export const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

/** Each part is written by itself, when the one before has gone. */
export const events =
  (...parts: (string | Promise<unknown>)[]): Answer =>
  async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const part of parts) {
      if (typeof part !== 'string') await part;
      else await new Promise((resolve) => response.write(part, resolve));
    }
    response.end();
  };

export const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

export interface Bench {
  readonly port: number;
  readonly events: Draft[];
  readonly router: ReturnType<typeof createInferenceRouter>;
  ask(path: string, body?: unknown, options?: AskOptions): Promise<Answered>;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
  /** Told of each part of the body as it comes. */
  readonly onPart?: (text: string) => void;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The answer broke off. */
  readonly broken: boolean;
}

/** Asks as a client inside does once its TLS is opened: to the name, of whatever is behind it. */
function ask(port: number, path: string, body: unknown, options: AskOptions): Promise<Answered> {
  const { method = body === undefined ? 'GET' : 'POST', headers = {}, agent, signal, onPart } = options;
  const bytes =
    body === undefined || Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const client = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: {
          host: 'inference.local',
          ...(bytes === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(agent === undefined ? {} : { agent }),
        ...(signal === undefined ? {} : { signal }),
      },
      (answer) => {
        let text = '';
        const end = (): void =>
          resolve({ status: answer.statusCode!, headers: answer.headers, text, broken: !answer.complete });
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          onPart?.(part);
        });
        answer.on('end', end).on('error', end);
      },
    );
    client.on('error', reject);
    client.end(bytes);
  });
}

export interface BenchOptions {
  readonly secrets?: Record<string, string>;
  readonly limits?: Partial<InferenceLimits>;
  readonly connectTo?: ConnectToTable;
  readonly trust?: readonly string[];
}

/** @param items of the list of routes */
export async function bench(items: string, options: BenchOptions = {}): Promise<Bench> {
  const drafts: Draft[] = [];
  const router = createInferenceRouter({
    routes: routesOf(items),
    secrets: new Map(Object.entries(options.secrets ?? {})),
    network: {
      resolver: { lookup: async () => ok(['127.0.0.1']) },
      connectTo: options.connectTo ?? new ConnectToTable(),
      tls: new UpstreamTls(upstreamTrust(options.trust ?? [])),
    },
    emit: (draft) => drafts.push(draft),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const defects: unknown[] = [];
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    router
      .handle(new Http1Exchange(request, response, 2000), { process: PROCESS })
      .catch((error: unknown) => defects.push(error));
  };
  const server = createServer({ requireHostHeader: false }, onRequest);
  server.on('checkContinue', onRequest);
  const port = await listen(server);
  onCleanup(() => router.close());
  onCleanup(() => {
    if (defects.length > 0) throw defects[0];
  });
  return {
    port,
    events: drafts,
    router,
    ask: (path, body, options = {}) => ask(port, path, body, options),
  };
}

export const PROCESS = { pid: 7, exe: '/usr/bin/node', sha256: null, ancestors: [] };

export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
