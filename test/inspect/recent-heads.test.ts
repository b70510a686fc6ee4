import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestFactsAgain } from '../../src/inspect/recent-heads.ts';
import { requestFacts } from '../../src/inspect/request-facts.ts';

describe('requestFactsAgain', () => {
  const method = fc.constantFrom('GET', 'get', 'HEAD', 'OPTIONS', 'CONNECT', 'a b');
  const target = fc.oneof(
    fc.constantFrom('*', '', '/', '/a', '/a?b=1', '/%2f', '/a/../b', 'http://a.test/c', '/%zz', '/a?b=%zz'),
    fc.string({ maxLength: 30 }).map((text) => `/${text}`),
  );

  it('reads what requestFacts reads, whatever came before', () => {
    const head = fc.record({ method, target });
    fc.assert(
      fc.property(fc.array(head, { maxLength: 40 }), (heads) => {
        for (const one of [...heads, ...heads]) expect(requestFactsAgain(one)).toEqual(requestFacts(one));
      }),
    );
  });

  it('gives the same object for the same head, and others for others', () => {
    const first = requestFactsAgain({ method: 'GET', target: '/same' });
    expect(requestFactsAgain({ method: 'GET', target: '/same' })).toBe(first);
    expect(requestFactsAgain({ method: 'PUT', target: '/same' })).not.toEqual(first);
    expect(requestFactsAgain({ method: 'GET', target: '/same' })).toEqual(first);
  });

  it('forgets what is long, and all of it when there is much', () => {
    const long = { method: 'GET', target: `/${'a'.repeat(512)}` };
    expect(requestFactsAgain(long)).not.toBe(requestFactsAgain(long));
    const head = { method: 'GET', target: '/kept' };
    const kept = requestFactsAgain(head);
    for (let i = 0; i < 600; i += 1) requestFactsAgain({ method: 'GET', target: `/${i}` });
    expect(requestFactsAgain(head)).toEqual(kept);
    expect(requestFactsAgain(head)).not.toBe(kept);
  });
});
