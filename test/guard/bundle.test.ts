import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readBundle, readTar } from '../../src/guard/bundle.ts';
import { Scratch } from '../support/scratch.ts';

const scratch = new Scratch('bundle');
afterAll(() => scratch.remove());
const WASM = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

function entry(name: string, content: Buffer | string, type = '0'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  const bytes = Buffer.from(content);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write(type, 156);
  header.write('ustar\0' + '00', 257);
  header.fill(' ', 148, 156);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}
const END = Buffer.alloc(1024);
const archive = (...entries: Buffer[]): Buffer => Buffer.concat([...entries, END]);

function read(bytes: Buffer) {
  const path = join(scratch.path, 'bundle');
  writeFileSync(path, bytes);
  return readBundle(path, { ...LIMITS });
}
const LIMITS = {
  evaluationMs: 1,
  startMs: 1,
  serverMs: 1,
  waiting: 1,
  serverConnections: 1,
  inputBytes: 1,
  answerBytes: 1,
  memoryPages: 1,
  bundleBytes: 100_000,
  unpackedBytes: 1_000_000,
  detailLength: 1,
};

describe('a bundle', () => {
  it.each(['/', './', ''])('has its parts below `%s`', (start) => {
    const bytes = archive(
      entry(`${start}data.json`, '{"a":1}'),
      entry(`${start}policy.wasm`, WASM),
      entry(`${start}.manifest`, '{}'),
      entry(`${start}dir`, '', '5'),
    );
    const bundle = read(gzipSync(bytes));
    expect(bundle.ok && [Buffer.from(bundle.value.wasm).equals(WASM), bundle.value.data]).toEqual([
      true,
      '{"a":1}',
    ]);
  });

  it('may be the module alone', () => {
    expect(read(WASM)).toMatchObject({ ok: true, value: { data: '{}' } });
  });

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'neither'],
    ['a text', Buffer.from('package x'), 'neither'],
    ['a cut archive', gzipSync(archive(entry('policy.wasm', WASM))).subarray(0, 60), 'cannot be unpacked'],
    ['no archive', gzipSync(Buffer.alloc(2000, 1)), 'no tar archive'],
    [
      'an archive that ends early',
      gzipSync(entry('policy.wasm', Buffer.alloc(2000)).subarray(0, 900)),
      'no tar',
    ],
    ['an archive without a module', gzipSync(archive(entry('data.json', '{}'))), 'no policy.wasm'],
    ['a module that is none', gzipSync(archive(entry('policy.wasm', 'text'))), 'no policy.wasm'],
    [
      'data that are none',
      gzipSync(archive(entry('policy.wasm', WASM), entry('data.json', '[]'))),
      'no JSON object',
    ],
    [
      'data in several places',
      gzipSync(archive(entry('policy.wasm', WASM), entry('x/data.json', '{}'))),
      'x/data.json',
    ],
    [
      'two modules of one name',
      gzipSync(archive(entry('policy.wasm', WASM), entry('/policy.wasm', WASM))),
      'no tar',
    ],
    ['a bomb', gzipSync(Buffer.alloc(2_000_000)), 'unpacks to more'],
    ['much', Buffer.alloc(200_000), 'larger'],
  ])('is refused when it holds %s', (_what, bytes, why) => {
    const bundle = read(bytes);
    expect(bundle.ok ? '' : bundle.error).toContain(why);
  });

  it('is refused when it is no file', () => {
    expect(readBundle('/')).toMatchObject({ ok: false, error: 'is no regular file' });
    expect(readBundle('/no/such/file')).toMatchObject({ ok: false, error: 'cannot be read: ENOENT' });
  });
});

it('an archive of any bytes is read or refused, and never read beyond its end', () => {
  const good = archive(entry('a', 'x'.repeat(700)), entry('b', 'y'));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.nat(good.length),
      (changes, length) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        const files = readTar(bytes.subarray(0, length));
        for (const content of files?.values() ?? []) expect(content.length).toBeLessThanOrEqual(length);
      },
    ),
  );
});
