import { describe, expect, it } from 'vitest';
import { anyResembles, hasLookAlike } from '../../src/inspect/look-alike.ts';

describe('hasLookAlike', () => {
  it.each([
    ['query', false],
    ['other', false],
    ['Query', true],
    ['QUERY', true],
    ['que\u0052y', true],
    ['query[]', true],
    ['_query', true],
    ['que-ry', true],
    ['query\u0000', true],
    ['queries', false],
  ])('%j beside `query`: %s', (name, expected) => {
    expect(hasLookAlike([name], ['query', 'extensions'])).toBe(expected);
  });

  it('knows the letters that fold to ASCII ones', () => {
    expect(hasLookAlike(['exten\u017fions'], ['query', 'extensions'])).toBe(true);
    expect(hasLookAlike(['to\u212aen'], ['token'])).toBe(true);
  });

  it('takes exact names too where none is expected', () => {
    expect(anyResembles(['doc_id'], ['doc_id'])).toBe(true);
    expect(anyResembles(['docId'], ['doc_id'])).toBe(true);
    expect(anyResembles(['document'], ['doc_id'])).toBe(false);
  });
});
