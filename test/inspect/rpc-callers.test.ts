import { describe, expect, it } from 'vitest';
import { callersOf } from '../../src/inspect/rpc-callers.ts';

describe('callersOf', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":7,"method":"a"}', { ids: [7], batch: false }],
    ['{"jsonrpc":"2.0","id":"x","method":"a"}', { ids: ['x'], batch: false }],
    ['{"jsonrpc":"2.0","method":"a"}', { ids: [], batch: false }],
    ['{"id":1,"result":{}}', { ids: [], batch: false }],
    ['{"id":{},"method":"a"}', { ids: [], batch: false }],
    [`{"id":"${'x'.repeat(257)}","method":"a"}`, { ids: [], batch: false }],
    ['[{"id":1,"method":"a"},{"method":"b"},{"id":"2","method":"c"},3]', { ids: [1, '2'], batch: true }],
    ['{"id":1,', { ids: [], batch: false }],
    ['', { ids: [], batch: false }],
  ])('%.60s', (text, expected) => {
    expect(callersOf(Buffer.from(text))).toEqual(expected);
  });
});
