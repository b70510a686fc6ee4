import { describe, expect, it } from 'vitest';
import type { Draft } from '../../../src/event/event.ts';
import { webSocketJudge } from '../../../src/http/inspected/judge-messages.ts';
import { buildIndex } from '../../../src/match/egress-index.ts';
import type { EgressEndpoint, EndpointInspection } from '../../../src/plan/plan.ts';
import { inspected, request } from '../../match/requests.ts';
import { binary, host, identity, policy, table } from '../../match/tables.ts';

const BYTES = Buffer.from('hello');
const PASS = { kind: 'pass' };

const webSocket = (
  allow: string[],
  deny: string[] = [],
  more: Partial<EndpointInspection> = {},
): EgressEndpoint => inspected('a.test:443', allow, deny, { protocol: 'websocket', ...more });
const rules = (...endpoints: EgressEndpoint[]) => buildIndex(table([policy('chat', endpoints)]));

function judging(index: ReturnType<typeof rules>, target = '/chat') {
  const events: Draft[] = [];
  const now = { index };
  const judge = webSocketJudge(
    { index: () => now.index, emit: (draft) => events.push(draft) },
    { host: host('a.test'), port: 443 },
    identity('/usr/bin/node'),
    { facts: request(`GET ${target}`), process: null },
  );
  const told = (): string[] =>
    events.map(({ action, reason, rule, subject }) => {
      const { method, path } = subject as { method: string; path: string };
      return `${action} ${reason} ${method} ${path} ${rule?.line}`;
    });
  return { judge, now, told };
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
