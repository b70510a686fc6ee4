/** Guardrails, and changes of policy, at requests that are looked at. */
import { describe, expect, it } from 'vitest';
import type { GuardAnswer, GuardInput } from '../../../src/guard/guard.ts';
import { buildIndex } from '../../../src/match/egress-index.ts';
import type { MessageRules } from '../../../src/plan/messages.ts';
import { JSON_RPC } from '../../inspect/bodies.ts';
import { table } from '../../match/tables.ts';
import { send, site } from './asking.ts';

const RULES: MessageRules = {
  ...JSON_RPC,
  allow: [{ index: 0, line: 300, method: '*', tools: null }],
};
const call = (method: string, id = 1): string => JSON.stringify({ jsonrpc: '2.0', id, method });

/** Denies calls of these methods, and nothing else. */
function denying(...methods: string[]) {
  const asked: GuardInput[] = [];
  const evaluate = async (input: GuardInput): Promise<GuardAnswer> => {
    asked.push(input);
    const called = input.request?.jsonrpc as { method?: string } | null | undefined;
    return methods.includes(called?.method ?? '')
      ? { allow: false, reason: 'guardrail_denied', detail: 'not that' }
      : { allow: true };
  };
  return { asked, evaluate };
}

describe('a guardrail', () => {
  it('is asked about the connection, and about each call', async () => {
    const guard = denying('b');
    const { port, seen, events } = await site(RULES, undefined, {}, guard);
    expect((await send(port, call('a'), {}, 'POST', '/api?k=v')).status).toBe(200);
    expect(guard.asked.at(-1)).toMatchObject({
      exec: { path: '/usr/bin/curl' },
      network: { host: 'a.test', port: 80 },
      request: {
        method: 'POST',
        path: '/api',
        query_params: { k: ['v'] },
        graphql: null,
        jsonrpc: { method: 'a', tool: null },
      },
    });
    const refused = await send(port, call('b'));
    expect(refused.json).toMatchObject({
      id: 1,
      error: { data: { code: 'OSH-EGR-060', reason: 'not that' } },
    });
    const batch = await send(port, `[${call('a', 1)},${call('b', 2)}]`);
    expect(batch.json).toMatchObject([{ id: 1 }, { id: 2 }]);
    expect(seen).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'denial').map(({ reason }) => reason)).toEqual([
      'guardrail_denied',
      'guardrail_denied',
    ]);
  });

  it('is not asked about what no rule allows', async () => {
    const guard = denying();
    const { port } = await site({ ...RULES, allow: [] }, undefined, {}, guard);
    expect((await send(port, call('a'))).status).toBe(403);
    expect(guard.asked.filter(({ request }) => request !== undefined)).toEqual([]);
  });
});

it('a request that was judged by a policy that holds no more is not sent', async () => {
  let change = (): void => {};
  const guard = {
    evaluate: async ({ request }: GuardInput): Promise<GuardAnswer> => {
      if (request !== undefined) change();
      return { allow: true };
    },
  };
  const { port, seen, proxy } = await site(RULES, undefined, {}, guard);
  change = () => proxy.useIndex(buildIndex(table([])));
  await expect(send(port, call('a'))).rejects.toThrow(/socket hang up|ECONNRESET/);
  expect(seen).toEqual([]);
});
