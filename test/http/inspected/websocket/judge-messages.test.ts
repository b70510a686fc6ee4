import { describe, expect, it } from 'vitest';
import type { Draft } from '../../../../src/event/event.ts';
import type { Guard } from '../../../../src/guard/guard.ts';
import { WebSocketJudge } from '../../../../src/http/inspected/websocket/judge-messages.ts';
import { buildIndex } from '../../../../src/match/egress-index.ts';
import type { OperationRule } from '../../../../src/plan/messages.ts';
import type { EgressEndpoint, EndpointInspection } from '../../../../src/plan/plan.ts';
import { inspected, request } from '../../../match/requests.ts';
import { binary, host, identity, policy, table } from '../../../match/tables.ts';

const BYTES = Buffer.from('hello');
const PASS = { kind: 'pass' };

const webSocket = (
  allow: string[],
  deny: string[] = [],
  more: Partial<EndpointInspection> = {},
): EgressEndpoint => inspected('a.test:443', allow, deny, { protocol: 'websocket', ...more });
const rules = (...endpoints: EgressEndpoint[]) => buildIndex(table([policy('chat', endpoints)]));

function judging(
  index: ReturnType<typeof rules>,
  target = '/chat',
  guard: Pick<Guard, 'evaluate'> | null = null,
) {
  const events: Draft[] = [];
  const now = { index };
  const judge = new WebSocketJudge(
    { index: () => now.index, emit: (draft) => events.push(draft), guard },
    { host: host('a.test'), port: 443 },
    identity('/usr/bin/node'),
    { facts: request(`GET ${target}`), process: null },
  );
  const told = (): string[] =>
    events.map(({ action, reason, rule, subject }) => {
      const { method, path } = subject as { method: string; path: string };
      return `${action} ${reason} ${method} ${path} ${rule?.line}`;
    });
  return { judge, now, told, events };
}

describe('a text message', () => {
  it('is allowed by a rule for WEBSOCKET_TEXT, or for every method, on the path of the request', () => {
    for (const allow of ['WEBSOCKET_TEXT /chat', 'WEBSOCKET_TEXT **', '* /chat'])
      expect(judging(rules(webSocket(['GET **', allow]))).judge.judgeText(BYTES)).toEqual({
        kind: 'pass',
        text: BYTES,
      });
    for (const allow of ['GET **', 'WEBSOCKET_TEXT /other', 'POST **'])
      expect(judging(rules(webSocket(['GET **', allow]))).judge.judgeText(BYTES)).toMatchObject({
        kind: 'refuse',
      });
  });

  it('is judged with the query of the request', () => {
    const index = rules(
      webSocket(['GET **', 'WEBSOCKET_TEXT /chat?n:room=open'], ['WEBSOCKET_TEXT **?n:key=*']),
    );
    expect(judging(index, '/chat?room=open').judge.judgeText(BYTES)).toMatchObject(PASS);
    expect(judging(index, '/chat?room=closed').judge.judgeText(BYTES)).toMatchObject({ kind: 'refuse' });
    expect(judging(index, '/chat?room=open&key=1').judge.judgeText(BYTES)).toMatchObject({ kind: 'refuse' });
  });

  it('is told of once while it is allowed, and every time otherwise', () => {
    const allowed = judging(rules(webSocket(['GET **', 'WEBSOCKET_TEXT **'])));
    for (let i = 0; i < 3; i += 1) allowed.judge.judgeText(BYTES);
    expect(allowed.told()).toEqual(['allow allowed WEBSOCKET_TEXT /chat 101']);
    const audited = judging(rules(webSocket(['GET **'], [], { enforcement: 'audit' })));
    for (let i = 0; i < 2; i += 1) expect(audited.judge.judgeText(BYTES)).toMatchObject(PASS);
    expect(audited.told()).toEqual(Array(2).fill('audit request_not_allowed WEBSOCKET_TEXT /chat 10'));
    const denied = judging(rules(webSocket(['* **'], ['WEBSOCKET_TEXT /chat'])));
    expect(denied.judge.judgeText(BYTES)).toEqual({
      kind: 'refuse',
      code: 1008,
      why: expect.stringMatching(/^OSH-EGR-023 .*`chat`/),
    });
    expect(denied.told()).toEqual(['deny request_denied_by_rule WEBSOCKET_TEXT /chat 200']);
  });

  it('is judged by the rules that hold now', () => {
    const { judge, now, told } = judging(rules(webSocket(['* **'])));
    expect(judge.judgeText(BYTES)).toMatchObject(PASS);
    expect(judge.stillAllowed()).toBe(true);
    now.index = rules(webSocket(['GET **']));
    expect(judge.judgeText(BYTES)).toMatchObject({ kind: 'refuse' });
    expect(judge.stillAllowed()).toBe(true);
    now.index = rules(webSocket(['* /other']));
    expect(judge.stillAllowed()).toBe(false);
    now.index = rules(webSocket(['* **']));
    expect(judge.judgeText(BYTES)).toMatchObject(PASS);
    expect(told()).toHaveLength(3);
  });

  it('is refused when the endpoint is another, or for others, or gone', () => {
    const { judge, now } = judging(rules(webSocket(['* **'])));
    for (const index of [
      rules(inspected('a.test:443', ['* **'])),
      rules(inspected('b.test:443', ['* **'], [], { protocol: 'websocket' })),
      buildIndex(table([policy('chat', [webSocket(['* **'])], [binary('/usr/bin/other')])])),
      buildIndex(table([])),
    ]) {
      now.index = index;
      expect(judge.judgeText(BYTES)).toMatchObject({ kind: 'refuse' });
      expect(judge.judgeBinary()).toMatchObject({ kind: 'refuse' });
      expect(judge.stillAllowed()).toBe(false);
    }
  });
});

describe('a binary message', () => {
  it('is allowed by a rule for every method only', () => {
    expect(judging(rules(webSocket(['* /chat']))).judge.judgeBinary()).toEqual(PASS);
    for (const allow of [['GET **', 'WEBSOCKET_TEXT **'], ['GET **'], ['* /other']])
      expect(judging(rules(webSocket(allow))).judge.judgeBinary()).toMatchObject({ kind: 'refuse' });
  });

  it('is refused where the same as text would be', () => {
    const { judge, told } = judging(rules(webSocket(['* **'], ['WEBSOCKET_TEXT /chat'])));
    expect(judge.judgeBinary()).toMatchObject({ kind: 'refuse' });
    expect(told()).toEqual(['deny request_denied_by_rule WEBSOCKET_BINARY /chat 200']);
  });

  it('passes where an endpoint only audits, and is told of', () => {
    const { judge, told } = judging(rules(webSocket(['GET **'], [], { enforcement: 'audit' })));
    expect(judge.judgeBinary()).toEqual(PASS);
    expect(told()).toEqual(['audit request_not_allowed WEBSOCKET_BINARY /chat 10']);
  });
});

describe('a message of GraphQL', () => {
  const operation = (type: string, fields: string[] = []): OperationRule =>
    ({ index: 0, line: 300, type, name: null, fields }) as OperationRule;
  const graphql = (
    allow: OperationRule[],
    deny: OperationRule[] = [],
    more: Partial<EndpointInspection> = {},
  ) =>
    rules(
      webSocket(['GET **'], [], {
        messages: { kind: 'graphql', maxBodyBytes: 200, registered: [], allow, deny },
        ...more,
      }),
    );
  const start = (query: string, type = 'subscribe'): Buffer =>
    Buffer.from(JSON.stringify({ id: '1', type, payload: { query } }));

  it('is read for its operation, and told of with its names', async () => {
    const { judge, events } = judging(graphql([operation('subscription', ['news'])]));
    expect(await judge.judgeText(start('subscription { news { id } }'))).toMatchObject(PASS);
    expect(await judge.judgeText(start('subscription { n: secrets }', 'start'))).toMatchObject({
      kind: 'refuse',
      why: expect.stringMatching(/^OSH-EGR-022 /),
    });
    expect(events).toMatchObject([
      { action: 'allow', subject: { method: 'WEBSOCKET_TEXT', asked: [expect.stringContaining('news')] } },
      { action: 'deny', subject: { method: 'WEBSOCKET_TEXT', asked: [expect.stringContaining('secrets')] } },
    ]);
  });

  it('that runs nothing passes, and is not told of', async () => {
    const { judge, told } = judging(graphql([operation('query')]));
    for (const type of ['connection_init', 'ping', 'complete'])
      expect(await judge.judgeText(Buffer.from(JSON.stringify({ type })))).toMatchObject(PASS);
    expect(told()).toEqual([]);
  });

  it.each([
    ['no JSON', Buffer.from('{')],
    ['of another type', start('{ a }', 'execute')],
    ['too long', start(`{ ${'a '.repeat(200)} }`)],
  ])('that is %s is refused, even where an endpoint only audits', async (_what, text) => {
    const { judge, told } = judging(graphql([operation('*')], [], { enforcement: 'audit' }));
    expect(await judge.judgeText(text)).toMatchObject({ kind: 'refuse' });
    expect(told()).toEqual([
      expect.stringMatching(/^deny (?:graphql_invalid|body_too_large) WEBSOCKET_TEXT /),
    ]);
  });

  it('is recorded only where an endpoint audits', async () => {
    const { judge, told } = judging(graphql([operation('query')], [], { enforcement: 'audit' }));
    expect(await judge.judgeText(start('mutation { drop }'))).toMatchObject(PASS);
    expect(told()).toEqual([expect.stringMatching(/^audit request_not_allowed/)]);
  });

  it('is never binary', () => {
    const index = rules(
      webSocket(['* **'], [], {
        messages: { kind: 'graphql', maxBodyBytes: 200, registered: [], allow: [operation('*')], deny: [] },
      }),
    );
    expect(judging(index).judge.judgeBinary()).toMatchObject({ kind: 'refuse' });
  });
});

describe('a guardrail', () => {
  it('is asked about every message that the rules let pass', async () => {
    const inputs: unknown[] = [];
    const guard: Pick<Guard, 'evaluate'> = {
      evaluate: async ({ request }) => {
        inputs.push(request?.method);
        return inputs.length < 3
          ? { allow: true }
          : { allow: false, reason: 'guardrail_denied', detail: 'no more' };
      },
    };
    const { judge, told } = judging(rules(webSocket(['* **'])), '/chat', guard);
    expect(await judge.judgeText(BYTES)).toMatchObject(PASS);
    expect(await judge.judgeBinary()).toMatchObject(PASS);
    expect(await judge.judgeText(BYTES)).toMatchObject({
      kind: 'refuse',
      why: expect.stringContaining('no more'),
    });
    expect(inputs).toEqual(['WEBSOCKET_TEXT', 'WEBSOCKET_BINARY', 'WEBSOCKET_TEXT']);
    expect(told()).toHaveLength(3);
    expect(told()[2]).toMatch(/^deny guardrail_denied WEBSOCKET_TEXT/);
  });

  it('that answers when other rules hold is not believed: the message is judged anew', async () => {
    const asked: string[] = [];
    let change = (): void => undefined;
    const guard: Pick<Guard, 'evaluate'> = {
      evaluate: async ({ request }) => {
        asked.push(request!.method);
        change();
        return { allow: true };
      },
    };
    const { judge, now, told } = judging(rules(webSocket(['* **'])), '/chat', guard);
    change = () => {
      now.index = rules(webSocket(['GET **']));
    };
    expect(await judge.judgeText(BYTES)).toMatchObject({ kind: 'refuse' });
    expect(asked).toEqual(['WEBSOCKET_TEXT']);
    expect(told()).toEqual([expect.stringMatching(/^deny request_not_allowed/)]);
  });

  it('is not asked about what the rules refuse', async () => {
    const guard = { evaluate: () => Promise.reject(new Error('asked')) };
    const { judge } = judging(rules(webSocket(['GET **'])), '/chat', guard);
    expect(await judge.judgeText(BYTES)).toMatchObject({ kind: 'refuse' });
  });
});
