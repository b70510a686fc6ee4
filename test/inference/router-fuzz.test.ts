import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { ConnectToTable } from '../../src/egress/connect-to.ts';
import type { Draft } from '../../src/event/event.ts';
import type { ClientExchange, WholeAnswer } from '../../src/http/inspected/client-exchange.ts';
import { createInferenceRouter } from '../../src/inference/router.ts';
import { routesOf } from './routes.ts';

/** A client whose request is these parts, and which keeps what it is answered. */
function pretended(
  method: string,
  target: string,
  headers: readonly string[],
  body: readonly Buffer[] | null,
) {
  const answers: WholeAnswer[] = [];
  let close: () => void = () => {};
  const client: ClientExchange = {
    method,
    target,
    headers,
    body: body === null ? null : Readable.from(body, { objectMode: false }),
    contentLength: null,
    expectsContinue: false,
    get begun() {
      return answers.length > 0;
    },
    sendContinue: () => {},
    inform: () => {},
    begin: () => expect.unreachable('no provider has answered'),
    write: () => expect.unreachable('no provider has answered'),
    end: () => expect.unreachable('no provider has answered'),
    abort: () => close(),
    refuse: () => expect.unreachable('refusals have another form here'),
    answer: (whole) => {
      answers.push(whole);
      close();
    },
    onDrain: () => {},
    onClose: (listener) => {
      close = listener;
    },
  };
  return { client, answers };
}

const events: Draft[] = [];
const router = createInferenceRouter({
  routes: routesOf('  - {name: r, endpoint: "http://localhost:1/v1", model: m, aliases: [fast]}'),
  secrets: new Map(),
  network: {
    resolver: { lookup: async () => ok([]) },
    connectTo: new ConnectToTable(),
    tls: { connect: () => expect.unreachable('there is no TLS') },
  },
  emit: (draft) => events.push(draft),
});

const paths = fc.constantFrom(
  '/v1/chat/completions',
  '/v1/messages',
  '/v1/models',
  '/v1/models/',
  '/model/a/invoke',
);
const noise = fc.constantFrom('/..', '%2e', '%2F', '%00', '//', ';x', '?a=b', '#', '\\', '%zz', 'é', '/');
const targets = fc.oneof(
  fc.string(),
  fc.tuple(paths, fc.array(noise, { maxLength: 3 }), paths).map(([a, some, b]) => a + some.join('') + b),
  paths,
);
const bodies = fc.oneof(
  fc.constant(null),
  fc.array(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    { maxLength: 4 },
  ),
  fc.jsonValue().map((value) => [Buffer.from(JSON.stringify(value))]),
  fc
    .record({
      model: fc.constantFrom('m', 'fast', 'other', '', null, 1),
      stream: fc.constantFrom(true, false, 1),
    })
    .map((value) => [Buffer.from(JSON.stringify(value))]),
);
const headers = fc.array(
  fc.tuple(fc.constantFrom('content-type', 'content-encoding', 'accept', 'x-api-key'), fc.string()),
  { maxLength: 3 },
);

describe('any request', () => {
  it('gets one answer, which is JSON, and leaves one event', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT', 'get', 'CONNECT', '', ' '),
        targets,
        headers,
        bodies,
        async (method, target, fields, body) => {
          events.length = 0;
          const { client, answers } = pretended(method, target, fields.flat(), body);
          await router.handle(client, { process: null });
          expect(answers).toHaveLength(1);
          const [{ status, body: bytes }] = answers as [WholeAnswer];
          expect([200, 400, 403, 404, 503]).toContain(status);
          expect(() => JSON.parse(bytes.toString())).not.toThrow();
          expect(bytes.length).toBeLessThan(10_000);
          expect(events).toHaveLength(1);
          expect(events[0]!.subject).toMatchObject({ kind: 'inference', status });
          expect(events[0]!.type === 'denial').toBe(status !== 200 && status !== 503);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
