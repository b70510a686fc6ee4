import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallBodyReader, changedBody, usageAsked } from '../../src/inference/call-body.ts';

function read(text: string) {
  const reader = new CallBodyReader();
  reader.push(Buffer.from(text));
  return reader.finish();
}

function body(text: string) {
  const result = read(text);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

describe('the body of a call', () => {
  it('names its model, and whether the answer is to be streamed', () => {
    expect(body('{"model":"a/b","stream":true}')).toMatchObject({ model: 'a/b', streamed: true });
    expect(body('{"stream":null}')).toMatchObject({ model: null, streamed: false });
    expect(body('{"messages":[{"model":"inner","stream":true}]}')).toMatchObject({
      model: null,
      streamed: false,
    });
  });

  it.each([
    ['[]', 'is no JSON object'],
    ['{"model":1}', 'has a `model` that is no name'],
    ['{"model":["a"]}', 'has a `model` that is no name'],
    ['{"model":null}', 'has a `model` that is no name'],
    [`{"model":"${'a'.repeat(5000)}"}`, 'has a `model` that is no name'],
    ['{"stream":"yes"}', 'has a `stream` that is neither `true` nor `false`'],
    [`{"stream_options":{"a":"${'a'.repeat(5000)}"}}`, 'has `stream_options` that are too long'],
    ['{"model":"a","model":"b"}', 'is no JSON that is accepted here: it has the same key twice'],
    ['model=a', 'is no JSON that is accepted here: it holds what is no value'],
  ])('is refused: %.40s', (text, problem) => {
    expect(read(text)).toEqual({ ok: false, error: problem });
  });
});

describe('a changed body', () => {
  it('keeps the bytes of everything else', () => {
    const text = '{ "a" : [ 1.0, "\\u00e9é" ], "model": "x" ,"b":{"model":"inner"}}';
    expect(changedBody(body(text), new Map([['model', '"y"']])).toString()).toBe(
      '{"a":[ 1.0, "\\u00e9é" ],"model":"y","b":{"model":"inner"}}',
    );
  });

  it('sets what is absent and takes out what is to go', () => {
    expect(changedBody(body('{}'), new Map([['model', '"y"']])).toString()).toBe('{"model":"y"}');
    expect(changedBody(body('{"model":"a"}'), new Map([['model', null]])).toString()).toBe('{}');
    expect(
      changedBody(
        body('{"model":"a","context_management":{},"c":1}'),
        new Map([
          ['model', null],
          ['context_management', null],
          ['v', '"1"'],
        ]),
      ).toString(),
    ).toBe('{"c":1,"v":"1"}');
  });

  it('is what assigning to the object would give', () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })).map((one) => ({ ...one }));
    fc.assert(
      fc.property(objects, (object) => {
        const { model: _m, stream: _s, stream_options: _o, ...rest } = object;
        const changed = changedBody(body(JSON.stringify(rest)), new Map([['model', '"y"']]));
        expect(JSON.parse(changed.toString())).toEqual(JSON.parse(JSON.stringify({ ...rest, model: 'y' })));
      }),
    );
  });
});

describe('asking for token counts', () => {
  it.each([
    ['{}', '{"include_usage":true}'],
    ['{"stream_options":null}', '{"include_usage":true}'],
    ['{"stream_options":{}}', '{"include_usage":true}'],
    ['{"stream_options":{"x":[1],"include_usage":false}}', '{"x":[1],"include_usage":true}'],
    ['{"stream_options":{"include_usage":true}}', null],
    ['{"stream_options":[1]}', null],
    ['{"stream_options":"a"}', null],
  ])('%s: %s', (text, expected) => {
    expect(usageAsked(body(text))).toBe(expected);
  });
});
