import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ask, JSON_RPC, short } from './bodies.ts';

const call = (method: unknown, more: object = {}) => ({ jsonrpc: '2.0', id: 1, method, ...more });
const post = async (body: unknown) => short(await ask(JSON_RPC, 'POST /rpc', body));

describe('JSON-RPC', () => {
  it.each([
    ['a request', call('eth_call', { params: [1] }), ['eth_call']],
    ['a text as id', call('a', { id: 'x' }), ['a']],
    ['a null id', call('a', { id: null }), ['a']],
    ['a notification', { jsonrpc: '2.0', method: 'a' }, ['a']],
    ['a batch', [call('a'), call('b'), { jsonrpc: '2.0', method: 'c' }], ['a', 'b', 'c']],
    ['a method with any characters', call('rpc.a/b:c é'), ['rpc.a/b:c é']],
    ['members that nobody knows', call('a', { trace: 1 }), ['a']],
    ['an empty batch', [], '! json_rpc_invalid: the batch is empty'],
    ['too many', Array(65).fill(call('a')), '! json_rpc_invalid: the batch has more than 64 messages'],
    ['one bad one', [call('a'), {}], '! json_rpc_invalid: a message has no `jsonrpc: "2.0"`'],
    ['a batch in a batch', [[call('a')]], '! json_rpc_invalid: a message is no object'],
    [
      'another version',
      { jsonrpc: '1.0', id: 1, method: 'a' },
      '! json_rpc_invalid: a message has no `jsonrpc: "2.0"`',
    ],
    [
      'a number as version',
      { jsonrpc: 2.0, id: 1, method: 'a' },
      '! json_rpc_invalid: a message has no `jsonrpc: "2.0"`',
    ],
    ['no method', { jsonrpc: '2.0', id: 1 }, '! json_rpc_invalid: a message has no `method`'],
    ['another method than a text', call(1), '! json_rpc_invalid: a `method` is no text'],
    ['an empty method', call(''), '! json_rpc_invalid: a `method` is no text'],
    [
      'a control character',
      call('a\u0000'),
      '! json_rpc_invalid: a `method` is too long or holds control characters',
    ],
    [
      'an invisible character',
      call('a\u200b'),
      '! json_rpc_invalid: a `method` is too long or holds control characters',
    ],
    [
      'a long method',
      call('a'.repeat(257)),
      '! json_rpc_invalid: a `method` is too long or holds control characters',
    ],
    [
      'a method twice',
      '{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}',
      '! json_rpc_invalid: the JSON names a member twice in one object',
    ],
    [
      'a method twice, for decoders without case',
      call('a', { Method: 'b' }),
      '! json_rpc_invalid: a member of a message is named almost like one of JSON-RPC',
    ],
    [
      'params that are a text',
      call('a', { params: 'x' }),
      '! json_rpc_invalid: `params` are neither an object nor an array',
    ],
    [
      'an id that is an object',
      call('a', { id: {} }),
      '! json_rpc_invalid: an `id` is neither a text nor a number',
    ],
    [
      'a method and a result',
      call('a', { result: 1 }),
      '! json_rpc_invalid: a message has both a `method` and a `result` or `error`',
    ],
    [
      'a response',
      { jsonrpc: '2.0', id: 1, result: {} },
      '! json_rpc_invalid: a client has nothing to respond to',
    ],
    [
      'a response in a batch',
      [call('a'), { jsonrpc: '2.0', id: 1, error: {} }],
      '! json_rpc_invalid: a client has nothing to respond to',
    ],
    [
      'a response of both kinds',
      { jsonrpc: '2.0', id: 1, result: 1, error: {} },
      '! json_rpc_invalid: a response has both a `result` and an `error`',
    ],
    ['a response without id', { jsonrpc: '2.0', result: 1 }, '! json_rpc_invalid: a response has no `id`'],
    [
      'two values',
      '{"jsonrpc":"2.0","id":1,"method":"a"}{}',
      '! json_rpc_invalid: the JSON goes on after its end',
    ],
  ])('%s', async (_, body, expected) => {
    expect(await post(body)).toEqual(expected);
  });

  it('is sent with POST alone', async () => {
    expect(await ask(JSON_RPC, 'GET /rpc', '')).toEqual({ kind: 'items', items: [] });
    expect(await ask(JSON_RPC, 'PUT /rpc', call('a'))).toBe('json_rpc_invalid: only a POST carries JSON-RPC');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded'])('is no %s', async (type) => {
    expect(await ask(JSON_RPC, 'POST /rpc', call('a'), { 'content-type': type })).toBe(
      'json_rpc_invalid: the Content-Type is not `application/json`',
    );
  });

  it('never throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        await post(text);
      }),
    );
  });
});
