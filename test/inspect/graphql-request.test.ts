import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/sha256.ts';
import type { GraphqlRules } from '../../src/plan/messages.ts';
import { ask, GRAPHQL, JSON_TYPE, short } from './bodies.ts';

const POST = 'POST /graphql';
const document = async (query: string, operationName?: string) =>
  short(await ask(GRAPHQL, POST, { query, ...(operationName === undefined ? {} : { operationName }) }));
const hash = (text: string): string => sha256(new TextEncoder().encode(text));

describe('a document', () => {
  it.each([
    ['{ viewer { id } }', undefined, 'query viewer'],
    ['query { a b a }', undefined, 'query a,b'],
    ['query Q { a }', undefined, 'query a Q'],
    ['query Q { a }', 'Q', 'query a Q'],
    ['query Q { a }', '', 'query a Q'],
    ['mutation M($x: Int) { add(n: $x) { id } }', undefined, 'mutation add M'],
    ['subscription { added }', undefined, 'subscription added'],
    ['{ viewer: deleteAll }', undefined, 'query deleteAll'],
    ['{ ... { a } ... on Query { b } }', undefined, 'query b,a'],
    ['{ ...F } fragment F on Query { a ...G } fragment G on Query { b ...F }', undefined, 'query a,b'],
    ['{ a @skip(if: true) }', undefined, 'query a'],
    ['query A { a } mutation B { b }', 'B', 'mutation b B'],
    ['query A { a } mutation B { b }', 'A', 'query a A'],
    ['{ __typename }', undefined, 'query __typename'],
    ['# mutation { a }\n{ b }', undefined, 'query b'],
    ['{ a(x: "mutation { b }") }', undefined, 'query a'],
    ['{ a(x: """ } mutation { b """) }', undefined, 'query a'],
  ])('%s (%s)', async (query, name, expected) => {
    expect(await document(query, name)).toEqual([expected]);
  });

  it.each([
    ['{', undefined, 'the document is malformed'],
    ['{ a }}', undefined, 'the document is malformed'],
    ['{ "a" }', undefined, 'the document is malformed'],
    ['query A { a } query A { b }', 'A', 'the document has two operations of one name'],
    [
      'query A { a } query B { b }',
      undefined,
      'the document has several operations, and nothing says which is meant',
    ],
    [
      'query A { a } query B { b }',
      '',
      'the document has several operations, and nothing says which is meant',
    ],
    ['{ a } query B { b }', 'B', 'the document has several operations, and nothing says which is meant'],
    ['query A { a }', 'B', 'the document has no such operation'],
    ['{ a }', 'B', 'the document has no such operation'],
    ['fragment F on Query { a }', undefined, 'the document has no such operation'],
    ['type T { a: Int }', undefined, 'the document defines types, which nobody can run'],
    ['{ a } type T { a: Int }', undefined, 'the document defines types, which nobody can run'],
    ['{ ...F }', undefined, 'the document spreads a fragment that it does not have'],
    ['{ ...F } fragment F on Query { ...F }', undefined, 'the document asks for no field'],
    [
      '{ ...F } fragment F on A { a } fragment F on B { b }',
      undefined,
      'the document has two fragments of one name',
    ],
    [`${'{a'.repeat(200)}${'}'.repeat(200)}`, undefined, 'the document is nested more than 128 deep'],
    [`{ a(x: ${'['.repeat(100_000)}`, undefined, 'the document is malformed'],
    [`{ ${'a '.repeat(20_000)} }`, undefined, 'the document has more than 20000 tokens'],
    [
      `{ ${Array.from({ length: 1001 }, (_, i) => `a${i}`).join(' ')} }`,
      undefined,
      'the document asks for more than 1000 root fields',
    ],
  ])('%.60s (%s) is refused', async (query, name, problem) => {
    const asked = await ask({ ...GRAPHQL, maxBodyBytes: 1e6 }, POST, { query, operationName: name ?? null });
    expect(asked).toMatch(/^graphql_invalid: /);
    if (!query.includes('[[')) expect(asked).toBe(`graphql_invalid: ${problem}`);
  });

  it('never throws, whatever it is made of', async () => {
    const piece = fc.constantFrom(
      ...[
        '{',
        '}',
        '(',
        ')',
        '[',
        ']',
        '...',
        ' on ',
        'query ',
        'mutation ',
        'fragment ',
        'F',
        'a',
        ':',
        '@skip',
      ],
      ...['"', '"""', '\\', '#', '\n', '$x', '!', '=', '&', '|', '1', '-', '.', '\u0000', '\ufeff', '𝒳'],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
        const asked = await ask(GRAPHQL, POST, { query: pieces.join('') });
        if (typeof asked === 'string') expect(asked).toMatch(/^graphql_invalid: /);
      }),
      {
        numRuns: 2000,
        examples: [[['{', 'a', '}']], [['{', '...', 'F', '}', 'fragment ', 'F', ' on ', 'F', '{', 'a', '}']]],
      },
    );
  });
});

describe('GET', () => {
  const get = async (query: string) => short(await ask(GRAPHQL, `GET /graphql?${query}`, '', {}));
  it.each([
    ['query={a}', ['query a']],
    ['query=mutation{a}', ['mutation a']],
    ['query=query+A{a}query+B{b}&operationName=B', ['query b B']],
    ['query={a}&variables=', ['query a']],
    ['query={a}&variables=%7B%22x%22:1%7D&token=1', ['query a']],
    ['query={a}&query={b}', '! graphql_invalid: a parameter of the query stands there twice'],
    ['query={a}&Query={b}', '! graphql_invalid: a parameter is named almost like one of GraphQL'],
    ['query={a}&query[]={b}', '! graphql_invalid: a parameter is named almost like one of GraphQL'],
    [
      'query={a}&variables=%7B%22x%22:1,%22x%22:2%7D',
      '! graphql_invalid: the JSON of `variables` names a member twice in one object',
    ],
    ['query={a}&variables=1', '! graphql_invalid: `variables` is no object'],
    ['query={a}&id=1', '! graphql_invalid: it names a document and another one by a hash or id'],
    ['query={a}&doc_id=1', '! graphql_invalid: the document is named in a way that is not known'],
    ['', '! graphql_invalid: there is no document'],
    ['query=', '! graphql_invalid: there is no document'],
  ])('%s', async (query, expected) => {
    expect(await get(query)).toEqual(expected);
  });

  it('has no body', async () => {
    expect(await ask(GRAPHQL, 'GET /graphql?query={a}', '{}')).toBe(
      'graphql_invalid: the request has a body too',
    );
  });

  it.each(['PUT', 'DELETE', 'OPTIONS', 'QUERY'])('%s asks for nothing that is known', async (method) => {
    expect(await ask(GRAPHQL, `${method} /graphql?query={a}`)).toBe(
      'graphql_invalid: GraphQL is asked for with GET or POST',
    );
  });
});

describe('POST', () => {
  it.each([
    ['several in one', [{ query: '{a}' }, { query: 'mutation {b}' }], ['query a', 'mutation b']],
    ['none', [], '! graphql_invalid: the array of requests is empty'],
    [
      'too many',
      Array(65).fill({ query: '{a}' }),
      '! graphql_invalid: there are more than 64 requests in one',
    ],
    ['something else in them', [{ query: '{a}' }, 1], '! graphql_invalid: a request is no object'],
    ['a text', '"{a}"', '! graphql_invalid: a request is no object'],
    ['nothing', '', '! graphql_invalid: the JSON is malformed'],
    [
      'a member twice',
      '{"query":"{a}","query":"{b}"}',
      '! graphql_invalid: the JSON names a member twice in one object',
    ],
    [
      'a member twice, for decoders without case',
      '{"query":"{a}","QUERY":"{b}"}',
      '! graphql_invalid: a parameter is named almost like one of GraphQL',
    ],
    [
      'another `query` than a text',
      { query: ['{a}'] },
      '! graphql_invalid: `query` or `operationName` is no text',
    ],
    [
      'another name than a text',
      { query: '{a}', operationName: 1 },
      '! graphql_invalid: `query` or `operationName` is no text',
    ],
    ['a null name', { query: '{a}', operationName: null, variables: null }, ['query a']],
    ['members that nobody knows', { query: '{a}', onError: 'NULL' }, ['query a']],
  ])('%s', async (_, body, expected) => {
    expect(short(await ask(GRAPHQL, POST, body))).toEqual(expected);
  });

  it.each([
    [{ 'content-type': 'application/graphql' }, '{a}', ['query a']],
    [
      { 'content-type': 'text/plain' },
      '{"query":"{a}"}',
      '! graphql_invalid: the Content-Type is neither `application/json` nor `application/graphql`',
    ],
    [
      { 'content-type': 'multipart/form-data; boundary=x' },
      '',
      '! graphql_invalid: the Content-Type has parameters other than `charset=utf-8`',
    ],
    [
      { ...JSON_TYPE, 'content-encoding': 'gzip' },
      '{"query":"{a}"}',
      '! graphql_invalid: the body has a Content-Encoding, so it cannot be read',
    ],
    [JSON_TYPE, Uint8Array.from([0x22, 0xc0, 0xaf, 0x22]), '! graphql_invalid: the body is no UTF-8'],
  ])('with %j', async (given, body, expected) => {
    expect(short(await ask(GRAPHQL, POST, body, given))).toEqual(expected);
  });

  it.each(['query={b}', 'Query={b}', 'operationName=B', 'id=1', 'extensions=%7B%7D'])(
    'with %s in the URL too is refused',
    async (query) => {
      expect(await ask(GRAPHQL, `${POST}?${query}`, { query: '{a}' })).toBe(
        'graphql_invalid: parameters of GraphQL stand in the query of the URL and in the body',
      );
    },
  );
});

describe('persisted queries', () => {
  const registered: GraphqlRules = {
    ...GRAPHQL,
    registered: [
      { id: hash('{viewer}'), type: 'query', name: 'V', fields: ['viewer'] },
      { id: 'add', type: 'mutation', name: null, fields: ['add'] },
    ],
  };
  const persisted = (sha256Hash: unknown) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });
  it.each([
    ['a hash', persisted(hash('{viewer}')), ['query viewer V']],
    ['a hash and its name', { ...persisted(hash('{viewer}')), operationName: 'V' }, ['query viewer V']],
    ['a hash and another name', { ...persisted(hash('{viewer}')), operationName: 'W' }, ['?  W']],
    ['an id', { id: 'add' }, ['mutation add']],
    ['a document id', { documentId: 'add', operationName: 'A' }, ['mutation add A']],
    ['an id in another case', { id: 'ADD' }, ['?']],
    ['a hash that nobody registered', persisted(hash('{other}')), ['?']],
    ['a document and its hash', { query: '{other}', ...persisted(hash('{other}')) }, ['query other']],
    [
      'a document and another hash',
      { query: '{other}', ...persisted(hash('{viewer}')) },
      '! graphql_invalid: it names a document and another one by a hash or id',
    ],
    [
      'a document and an id',
      { query: '{other}', queryId: 'add' },
      '! graphql_invalid: it names a document and another one by a hash or id',
    ],
    ['two ids', { id: 'add', queryId: 'add' }, '! graphql_invalid: it names several stored documents'],
    [
      'an id and a hash',
      { id: 'add', ...persisted(hash('{viewer}')) },
      '! graphql_invalid: it names several stored documents',
    ],
    ['an id that is no text', { id: 1 }, '! graphql_invalid: the id of the stored document is no text'],
    ['no hash', persisted(null), '! graphql_invalid: the id of the stored document is no text'],
    [
      'a look-alike',
      { extensions: { PersistedQuery: {} } },
      '! graphql_invalid: an extension is named almost like `persistedQuery`',
    ],
    [
      'a look-alike below',
      { extensions: { persistedQuery: { sha256hash: '1' } } },
      '! graphql_invalid: `persistedQuery` is malformed',
    ],
  ])('%s', async (_, body, expected) => {
    expect(short(await ask(registered, POST, body))).toEqual(expected);
  });

  it('are not known where none is registered', async () => {
    expect(short(await ask(GRAPHQL, POST, { id: 'add' }))).toEqual(['?']);
  });
});
