import { describe, expect, it } from 'vitest';
import { connectInput, requestInputs } from '../../src/guard/input.ts';
import { requestFacts } from '../../src/inspect/request-facts.ts';
import { host, identity } from '../match/tables.ts';

const asking = { identity: identity('/usr/bin/curl', ['/bin/sh']), host: host('A.test.'), port: 443 };

it('is what OpenShell tells its policy of a connection', () => {
  expect(connectInput(asking)).toMatchObject({
    exec: { path: '/usr/bin/curl', ancestors: ['/bin/sh'], cmdline_paths: [] },
    network: { host: 'a.test', port: 443 },
  });
  expect(connectInput(asking)).not.toHaveProperty('request');
});

it('is that of a request as it is sent', () => {
  const facts = requestFacts({ method: 'get', target: '/a/../b?k=1&k=2&__proto__=x' });
  if (!facts.ok) throw new Error(facts.error.detail);
  const [input] = requestInputs(asking, facts.value)!;
  expect(input!.request).toMatchObject({ method: 'GET', path: '/b', graphql: null, jsonrpc: null });
  expect(JSON.parse(JSON.stringify(input!.request!.query_params))).toEqual(
    JSON.parse('{"k":["1","2"],"__proto__":["x"]}'),
  );
});

describe('what a body asks for', () => {
  const read = requestFacts({ method: 'POST', target: '/x' });
  if (!read.ok) throw new Error(read.error.detail);
  const facts = read.value;
  const call = (method: string, tool: string | null = null) =>
    ({ kind: 'call', method, tool, core: true }) as const;

  it('is one question for each call of a batch', () => {
    const items = [call('tools/list'), call('tools/call', 'delete')];
    const inputs = requestInputs(asking, { ...facts, asked: { kind: 'items', items } })!;
    expect(inputs.map(({ request }) => request!.jsonrpc)).toMatchObject([
      { method: 'tools/list', tool: null },
      { method: 'tools/call', tool: 'delete' },
    ]);
  });

  it('is not asked about when it is too much', () => {
    const items = Array.from({ length: 65 }, () => call('x'));
    expect(requestInputs(asking, { ...facts, asked: { kind: 'items', items } })).toBeNull();
  });

  it('has the operations of GraphQL', () => {
    const items = [{ kind: 'operation', type: 'mutation', name: 'M', fields: ['drop'] }] as const;
    const [input] = requestInputs(asking, { ...facts, asked: { kind: 'items', items } })!;
    expect(input!.request!.graphql).toEqual({
      operation_type: 'mutation',
      operation_name: 'M',
      fields: ['drop'],
    });
  });
});
