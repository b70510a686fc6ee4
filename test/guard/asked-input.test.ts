import { describe, expect, it } from 'vitest';
import { askedInputs } from '../../src/guard/asked-input.ts';

describe('askedInputs', () => {
  it('tells of each operation and each call by itself', () => {
    const call = { kind: 'call', method: 'tools/call', tool: 'x', core: true } as const;
    const operation = { kind: 'operation', type: 'query', name: 'N', fields: ['a', 'b'] } as const;
    const common = { receive_stream: false, has_response: false, error: null };
    expect(
      askedInputs({ kind: 'items', items: [call, { ...call, method: 'ping', tool: null }] }, 'POST'),
    ).toEqual([
      { jsonrpc: { ...common, method: 'tools/call', params: { name: 'x' }, tool: 'x' } },
      { jsonrpc: { ...common, method: 'ping', params: {}, tool: null } },
    ]);
    expect(askedInputs({ kind: 'items', items: [operation] }, 'POST')).toEqual([
      { graphql: { operation_type: 'query', operation_name: 'N', fields: ['a', 'b'] } },
    ]);
  });

  it('tells of every request once at least', () => {
    expect(askedInputs(null, 'GET')).toEqual([{}]);
    expect(askedInputs({ kind: 'items', items: [] }, 'PUT')).toEqual([{}]);
    expect(
      askedInputs({ kind: 'items', items: [{ kind: 'method', service: 'a', method: 'b' }] }, 'POST'),
    ).toEqual([{}]);
    expect(askedInputs({ kind: 'control' }, 'GET')).toMatchObject([{ jsonrpc: { receive_stream: true } }]);
    expect(askedInputs({ kind: 'control' }, 'POST')).toMatchObject([{ jsonrpc: { has_response: true } }]);
  });
});
