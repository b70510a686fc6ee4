/** Frames as the warden makes them, one of each kind, and streams that a broken or hostile one could make out of them. */
import fc from 'fast-check';
import { ENUMS } from '../../src/plan/wire.ts';

type Field = number | bigint | Uint8Array;

/** A number is a `u32`, a bigint a `u64`, bytes follow their length. */
const payload = (...fields: Field[]): Buffer => Buffer.concat(fields.map(encoded));

function encoded(field: Field): Buffer {
  if (typeof field === 'object') return Buffer.concat([encoded(field.length), field]);
  const bytes = Buffer.alloc(typeof field === 'number' ? 4 : 8);
  if (typeof field === 'number') bytes.writeUInt32LE(field, 0);
  else bytes.writeBigUInt64LE(field, 0);
  return bytes;
}

const text = (value: string): Buffer => Buffer.from(value, 'utf8');
const executable = (path: string, flags = 0): Field[] => [text(path), 1n, 2n, 3n, 4n, 5n, 77, flags];
const caller: Field[] = [77, 2, ...executable('/usr/bin/curl'), ...executable('/bin/größe', 7)];
const args = [1n, 2n, 3n, 4n, 5n, 0xffff_ffff_ffff_ffffn];
const v4 = Uint8Array.of(198, 18, 1, 0);
const v6 = Uint8Array.of(253, 111, 112, 101, 110, 115, 104, 101, 0, 0, 0, 0, 0, 0, 1, 0);

export const SEEDS: readonly (readonly [type: number, payload: Buffer])[] = [
  [ENUMS.report.started, payload(3, 2, 1000)],
  [ENUMS.report.failed, payload(ENUMS.step.mount, 2, 0xffff_ffff_ffff_ffffn)],
  [ENUMS.report.exited, payload(1, 0)],
  [ENUMS.report.denied, payload(3, 0, 1, 0xc000_003e, 101, ...args, ...caller)],
  [ENUMS.report.open, payload(9n, ENUMS.opening.connect, 1, v4, 443, ...caller)],
  [ENUMS.report.open, payload(9n, ENUMS.opening.send, 2, v6, 443, ...caller)],
  [ENUMS.report.peer, payload(9n, 40_000, v4)],
  [ENUMS.report.peer, payload(9n, 0, Buffer.alloc(0))],
  [ENUMS.report.reused, payload(2, 1, 77, 2, 78)],
  [ENUMS.report.kept, payload(2, 3, 0, 0)],
  [ENUMS.report.unix, payload(text('\0/tmp/.X11-unix/X0'), ...caller)],
  [ENUMS.report.limit, payload(ENUMS.limit.memory, 1n << 30n)],
];

/** With a few bytes or words set, cut off, or put in somewhere. */
export const spoiled = (bytes: Buffer): fc.Arbitrary<Buffer> =>
  fc.array(change, { maxLength: 4 }).map((changes) => changes.reduce((all, make) => make(all), bytes));

const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 5, 17, 127, 129, 1025, 65_536, 0x7fff_ffff, 0xffff_ffff),
  fc.nat(),
);
const place = fc.nat({ max: 400 });
const change: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc.oneof(
  fc.tuple(place, fc.nat({ max: 255 })).map(([at, value]) => (bytes: Buffer) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[at % copy.length] = value;
    return copy;
  }),
  fc.tuple(place, word).map(([at, value]) => (bytes: Buffer) => {
    const copy = Buffer.from(bytes);
    if (copy.length >= 4) copy.writeUInt32LE(value, (at * 4) % (copy.length - 3));
    return copy;
  }),
  place.map((at) => (bytes: Buffer) => bytes.subarray(0, at)),
  fc.tuple(place, fc.uint8Array({ maxLength: 40 })).map(([at, more]) => (bytes: Buffer) => {
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  }),
);

export const spoiledReport: fc.Arbitrary<readonly [type: number, payload: Buffer]> = fc
  .constantFrom(...SEEDS)
  .chain(([type, bytes]) =>
    fc.tuple(
      fc.oneof({ weight: 9, arbitrary: fc.constant(type) }, { weight: 1, arbitrary: word }),
      spoiled(bytes),
    ),
  );
