import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodePlan, encodeRequest } from '../../src/plan/encode.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { encodeDocument, MAX_DOCUMENT, type Rows, SECTIONS, type SectionName } from '../../src/plan/wire.ts';
import { because, find } from '../programs/support/host.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { canCompile, compile } from './support/compiling.ts';
import { ENTRY, entriesOf, HEADER, withField, withWord } from './support/document-bytes.ts';
import { launchPayload, notBuilt, planOf, requestOf, utf8 } from './support/plans.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const compiler = find('cc');
const SANITIZE = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const lacking = [
  ...(compiler === null ? ['a C compiler'] : []),
  ...(notBuilt === null ? [] : ['the launcher']),
];

let decoder: string;
let plan: Plan;
let document: Uint8Array;
const request = encodeRequest(requestOf(['sh', '-c', 'grüße']), utf8);

beforeAll(() => {
  if (lacking.length > 0) return;
  decoder = compile({
    compiler: compiler!,
    flags: canCompile(compiler!, SANITIZE, scratch.root) ? SANITIZE : [],
    sources: ['decoder.c'],
    units: ['document.c'],
    output: join(scratch.root, 'decoder'),
  });
  plan = planOf(here);
  document = encodePlan(plan, utf8);
});

/** What the decoder says of each payload: null for a refusal, else its lines. */
function decode(payloads: readonly Uint8Array[]): (string[] | null)[] {
  const input = Buffer.concat(
    payloads.flatMap((payload) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(payload.length);
      return [length, payload];
    }),
  );
  const { status, stdout, stderr } = spawnSync(decoder, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  expect(status, stderr).toBe(0);
  const answers: (string[] | null)[] = [];
  let lines: string[] = [];
  for (const line of stdout.split('\n').slice(0, -1)) {
    if (line === 'refused') answers.push(null);
    else if (line === 'taken') {
      answers.push(lines);
      lines = [];
    } else lines.push(line);
  }
  expect(answers.length).toBe(payloads.length);
  return answers;
}

const decodePlan = (bytes: Uint8Array): string[] | null => decode([launchPayload(bytes, request)])[0]!;

/** The lines that decoder.c prints for rows. */
function linesOf(rows: Rows): string[] {
  return (Object.keys(SECTIONS) as SectionName[]).flatMap((section) =>
    (rows[section] ?? []).map((row) => {
      const values = Object.entries(SECTIONS[section].fields).map(([name, type]) => {
        const value = (row as Record<string, string | number | bigint>)[name]!;
        return type === 'string' ? `${Buffer.from(String(value)).toString('hex')}.` : String(value);
      });
      return [`${section}_row`, ...values].join(' ');
    }),
  );
}

describe.skipIf(lacking.length > 0)(`the decoder of the launcher${because(lacking)}`, () => {
  it.each([[[]], [['--network', 'allow']], [['--allow', 'a.test']], [['--read', '/var', '--env', 'A=b']]])(
    'reads the plan of this host with %j as TypeScript wrote it',
    (args) => {
      const made = planOf(here, ...args);
      const lines = decodePlan(encodePlan(made, utf8))!;
      const count = (what: string): number => lines.filter((line) => line.startsWith(`${what}_row`)).length;
      expect(count('mount')).toBe(made.mounts.length);
      expect(count('instruction')).toBe(made.seccomp.program.length);
      expect(count('notify')).toBe(made.seccomp.notify.length);
      expect(count('rlimit')).toBe(made.rlimits.length);
      expect(lines.filter((line) => line.startsWith('landlock_row'))).toEqual(
        linesOf({ landlock: made.landlock.rows.map(({ path, access }) => ({ path, access })) }),
      );
    },
  );

  it('reads any rows as they were written', () => {
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
    const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => value.replaceAll('\0', ''));
    const arbitraries = {
      u8: fc.integer({ min: 0, max: 255 }),
      u16: fc.integer({ min: 0, max: 65535 }),
      u32,
      u64,
      string: text,
    };
    const rowOf = (section: SectionName) =>
      fc.record(
        Object.fromEntries(
          Object.entries(SECTIONS[section].fields).map(([name, type]) => [name, arbitraries[type]]),
        ),
      );
    const some = (section: SectionName) => fc.array(rowOf(section), { maxLength: 6 });
    const nonZero = fc.integer({ min: 1, max: 0xffff_fffe });
    const cases = fc.sample(
      fc.record({
        settings: fc
          .tuple(rowOf('settings'), nonZero, nonZero)
          .map(([row, uid, gid]) => [{ ...row, inside_uid: uid, inside_gid: gid }]),
        mount: some('mount'),
        landlock: some('landlock'),
        instruction: some('instruction'),
        notify: some('notify'),
        rlimit: some('rlimit'),
        argument: some('argument'),
        environment: some('environment'),
        request: rowOf('request').map((row) => [row]),
      }),
      300,
    ) as unknown as Rows[];
    const split = cases.map(({ argument, environment, request, ...rest }) => ({
      plan: rest as Rows,
      request: {
        ...(argument === undefined ? {} : { argument }),
        ...(environment === undefined ? {} : { environment }),
        ...(request === undefined ? {} : { request }),
      } as Rows,
    }));
    const answers = decode(
      split.map((one) => launchPayload(encodeDocument(one.plan, utf8), encodeDocument(one.request, utf8))),
    );
    split.forEach((one, i) => {
      expect(answers[i]).toEqual([...linesOf(one.plan), ...linesOf(one.request)]);
    });
  });

  it('refuses a document that is cut off anywhere, or has more behind it', () => {
    const payload = launchPayload(document, request);
    const short = Array.from({ length: 200 }, (_, i) =>
      payload.subarray(0, Math.floor((payload.length * i) / 200)),
    );
    expect(
      decode([...short, Buffer.concat([payload, Buffer.alloc(8)])]).every((answer) => answer === null),
    ).toBe(true);
  });

  it.each([
    ['another magic number', (d: Uint8Array) => withWord(d, 0, 0x3250534f)],
    ['a length that is too small', (d: Uint8Array) => withWord(d, 4, d.length - 1)],
    ['a length that is too large', (d: Uint8Array) => withWord(d, 4, d.length + 1)],
    ['no section', (d: Uint8Array) => withWord(d, 8, 0)],
    ['more sections than there are kinds', (d: Uint8Array) => withWord(d, 8, 1000)],
    ['sections beyond all memory', (d: Uint8Array) => withWord(d, 8, 0xffff_ffff)],
    ['a blob before the table', (d: Uint8Array) => withWord(d, 12, 8)],
    ['a blob behind the end', (d: Uint8Array) => withWord(d, 12, d.length + 8)],
    ['a blob of another length', (d: Uint8Array) => withWord(d, 16, 7)],
    ['a reserved word that is set', (d: Uint8Array) => withWord(d, 20, 1)],
    ['a section of kind 0', (d: Uint8Array) => withWord(d, HEADER, 0)],
    ['a section of an unknown kind', (d: Uint8Array) => withWord(d, HEADER, 77)],
    ['a section twice', (d: Uint8Array) => withWord(d, HEADER + ENTRY, entriesOf(d)[0]!.kind)],
    ['a section without rows', (d: Uint8Array) => withWord(d, HEADER + ENTRY + 4, 0)],
    ['a section with more rows than allowed', (d: Uint8Array) => withWord(d, HEADER + ENTRY + 4, 4097)],
    ['a section with rows beyond the end', (d: Uint8Array) => withWord(d, HEADER + ENTRY + 4, 4000)],
    ['rows of another size', (d: Uint8Array) => withWord(d, HEADER + ENTRY + 8, 48)],
    [
      'rows at an odd place',
      (d: Uint8Array) => withWord(d, HEADER + ENTRY + 12, entriesOf(d)[1]!.offset + 4),
    ],
    ['rows inside the table', (d: Uint8Array) => withWord(d, HEADER + ENTRY + 12, 24)],
    ['rows behind the end', (d: Uint8Array) => withWord(d, HEADER + ENTRY + 12, 0xffff_fff8)],
    [
      'a text that begins behind the end',
      (d: Uint8Array) => withField(d, 'settings', 0, 'hostname', [0x7fff_ffff, 0]),
    ],
    [
      'a text that ends behind the end',
      (d: Uint8Array) => withField(d, 'settings', 0, 'hostname', [0, 0x7fff_ffff]),
    ],
    [
      'a text whose length wraps',
      (d: Uint8Array) => withField(d, 'settings', 0, 'hostname', [8, 0xffff_fff9]),
    ],
    ['a text with a NUL in it', (d: Uint8Array) => withField(d, 'settings', 0, 'hostname', [0, 40])],
    ['a text without a NUL behind it', (d: Uint8Array) => withField(d, 'settings', 0, 'hostname', [0, 1])],
    [
      'a text of a later row that is wrong',
      (d: Uint8Array) => withField(d, 'mount', 5, 'target', [0xffff_ffff, 1]),
    ],
    ['uid 0 inside', (d: Uint8Array) => withField(d, 'settings', 0, 'inside_uid', 0)],
    ['gid 0 inside', (d: Uint8Array) => withField(d, 'settings', 0, 'inside_gid', 0)],
  ])('refuses a plan with %s', (_what, change) => {
    expect(decodePlan(document)).not.toBe(null);
    expect(decodePlan(change(document))).toBe(null);
  });

  it('refuses a payload whose parts do not fit', () => {
    const payload = launchPayload(document, request);
    const bad = [0, 1, 8, document.length - 8, document.length + 8, payload.length, 0xffff_ffff, 0xffff_fff0];
    expect(decode(bad.map((length) => withWord(payload, 0, length))).every((answer) => answer === null)).toBe(
      true,
    );
    expect(
      decode([launchPayload(request, request), launchPayload(document, document), Buffer.alloc(0)]),
    ).toEqual([null, null, null]);
  });

  it('refuses more than the largest document', () => {
    const huge = Buffer.alloc(MAX_DOCUMENT + 64);
    huge.set(launchPayload(document, request));
    expect(decode([huge])).toEqual([null]);
  });

  it('survives any change of any bytes: it refuses, or gives rows that lie inside', () => {
    const payload = launchPayload(document, request);
    const early = fc.integer({ min: 0, max: HEADER + ENTRY * 8 + 200 });
    const anywhere = fc.integer({ min: 0, max: payload.length - 1 });
    const change = fc.tuple(fc.oneof(early, anywhere), fc.integer({ min: 0, max: 255 }));
    const mutants = fc.sample(fc.array(change, { minLength: 1, maxLength: 8 }), 2000).map((changes) => {
      const mutant = Buffer.from(payload);
      for (const [at, value] of changes) mutant[at] = value;
      return mutant;
    });
    const answers = decode(mutants);
    expect(answers.some((answer) => answer === null)).toBe(true);
    expect(answers.some((answer) => answer !== null)).toBe(true);
  });
});
