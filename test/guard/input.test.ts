import { expect, it } from 'vitest';
import { connectInput, requestInput } from '../../src/guard/input.ts';
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
  const { request } = requestInput(asking, facts.value, { jsonrpc: { method: 'x' } });
  expect(request).toMatchObject({ method: 'GET', path: '/b', graphql: null, jsonrpc: { method: 'x' } });
  expect(JSON.parse(JSON.stringify(request!.query_params))).toEqual(
    JSON.parse('{"k":["1","2"],"__proto__":["x"]}'),
  );
});
