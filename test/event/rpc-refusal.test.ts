import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../src/event/refusal.ts';
import { rpcRefusal } from '../../src/event/rpc-refusal.ts';

const REFUSAL = {
  detail: 'POST a.test:443/mcp not permitted by policy',
  reason: 'no rule',
  code: 'OSH-EGR-022',
} as Refusal;
const message = `${REFUSAL.detail}: ${REFUSAL.reason}`;
const says = (...args: Parameters<typeof rpcRefusal>): unknown => JSON.parse(rpcRefusal(...args));

describe('rpcRefusal', () => {
  it('answers whoever asked, with the refusal as data', () => {
    const error = { code: -32010, message, data: REFUSAL };
    expect(says('request_not_allowed', REFUSAL, { ids: [7], batch: false })).toEqual({
      jsonrpc: '2.0',
      id: 7,
      error,
    });
    expect(says('request_not_allowed', REFUSAL, { ids: [7, 'x'], batch: true })).toEqual([
      { jsonrpc: '2.0', id: 7, error },
      { jsonrpc: '2.0', id: 'x', error },
    ]);
  });

  it('names nobody where nobody waits, or where it cannot be read who does', () => {
    const error = { code: -32600, message, data: REFUSAL };
    for (const batch of [true, false])
      expect(says('mcp_invalid', REFUSAL, { ids: [], batch })).toEqual({ jsonrpc: '2.0', id: null, error });
  });
});
