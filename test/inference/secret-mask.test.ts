import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretMask } from '../../src/inference/secret-mask.ts';

const SECRET = 'sk-test-0123456789';

function masked(text: string, piece: number, secrets = [SECRET]): string {
  const mask = new SecretMask(secrets);
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  for (let i = 0; i < bytes.length; i += piece) out.push(mask.push(bytes.subarray(i, i + piece)));
  return Buffer.concat([...out, mask.finish()]).toString();
}

describe('SecretMask', () => {
  it('finds a secret however it is cut', () => {
    const text = `a ${SECRET} b ${SECRET}${SECRET} sk-test-012345678`;
    for (let piece = 1; piece < text.length; piece += 1)
      expect(masked(text, piece)).toBe(`a ${'*'.repeat(18)} b ${'*'.repeat(36)} sk-test-012345678`);
  });

  it('finds the forms that a message could give it', () => {
    const secret = 'a"b/c+d e\\f=g';
    const url = encodeURIComponent(secret);
    const json = JSON.stringify(secret).slice(1, -1);
    expect(masked(`${url} ${json} ${secret}`, 5, [secret])).not.toMatch(/a.{1,3}b/);
    expect(masked(Buffer.from(`${SECRET}:`).toString('base64'), 4)).toMatch(/^\*{20,}/);
  });

  it('holds nothing back that cannot be the beginning of a secret', () => {
    const mask = new SecretMask([SECRET]);
    expect(mask.push(Buffer.from('data: {}\n\n')).toString()).toBe('data: {}\n\n');
    expect(mask.push(Buffer.from('its s')).toString()).toBe('its ');
    expect(mask.push(Buffer.from('!')).toString()).toBe('s!');
  });

  it('leaves short secrets, which are words', () => {
    expect(masked('the key is empty', 3, ['empty'])).toBe('the key is empty');
  });

  it('masks a secret that begins another', () => {
    expect(masked('12345678 123456789', 2, ['12345678', '123456789'])).toBe('******** *********');
  });

  it('never lets one through, and changes nothing else', () => {
    const parts = fc.constantFrom(SECRET, SECRET.slice(0, 7), SECRET.slice(5), 'x', '\n', '*', 's', 'sk-');
    fc.assert(
      fc.property(fc.array(parts), fc.integer({ min: 1, max: 20 }), (some, piece) => {
        const text = some.join('');
        expect(masked(text, piece)).toBe(text.replaceAll(SECRET, '*'.repeat(SECRET.length)));
      }),
      { numRuns: 500 },
    );
  });
});
