import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { because, find, missing } from '../programs/support/host.ts';
import { PACKAGE } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { compile } from './support/compiling.ts';
import { withField, withWord } from './support/document-bytes.ts';
import { notBuilt, payloadOf, planOf, requestOf } from './support/plans.ts';

const CROSS = 'aarch64-linux-gnu-gcc';
const EM_AARCH64 = 183; // elf.h
const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const lackingCompiler = missing(CROSS);
const lacking = [...missing(CROSS, 'qemu-aarch64'), ...(notBuilt === null ? [] : ['the launcher'])];

describe.skipIf(lackingCompiler.length > 0)(`for aarch64${because(lackingCompiler)}`, () => {
  it('the launcher compiles, statically', () => {
    const done = spawnSync(
      process.execPath,
      [join(PACKAGE, 'tools', 'build-launcher.mjs'), '--cc', CROSS, '--out', scratch.root],
      { encoding: 'utf8' },
    );
    expect(done.status, done.stderr).toBe(0);
    const program = readFileSync(join(scratch.root, 'openshell-launcher'));
    expect(program.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
    expect(program.readUInt16LE(18)).toBe(EM_AARCH64);
    // PT_INTERP is 3: a program that needs a loader.
    const headers = Number(program.readBigUInt64LE(32));
    const kinds = Array.from({ length: program.readUInt16LE(56) }, (_, i) =>
      program.readUInt32LE(headers + 56 * i),
    );
    expect(kinds).not.toContain(3);
  });

  it.skipIf(lacking.length > 0)(`it says there how it is started${because(lacking)}`, () => {
    const done = spawnSync(find('qemu-aarch64')!, [join(scratch.root, 'openshell-launcher')], {
      encoding: 'utf8',
    });
    expect(done.status).toBe(2);
    expect(done.stderr).toContain('is started by openshell');
  });

  it.skipIf(lacking.length > 0)(
    `its decoder reads there what it reads here, and refuses the same${because(lacking)}`,
    () => {
      const build = (compiler: string, name: string, flags: readonly string[]) =>
        compile({
          compiler,
          flags,
          sources: ['decoder.c'],
          units: ['document.c'],
          output: join(scratch.root, name),
        });
      const there = build(CROSS, 'decoder-aarch64', ['-static', '-O2']);
      const payload = payloadOf(planOf(here), requestOf(['sh', '-c', 'grüße']));
      const plan = payload.subarray(8);
      const payloads = [
        payload,
        ...[0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 44].map((at) => withWord(payload, 8 + at, 0x1234_5678)),
        Buffer.concat([payload.subarray(0, 8), withField(plan, 'mount', 1, 'target', [0, 3])]),
        payload.subarray(0, 100),
      ];
      const input = Buffer.concat(
        payloads.flatMap((one) => {
          const length = Buffer.alloc(4);
          length.writeUInt32LE(one.length);
          return [length, one];
        }),
      );
      const options = { input, encoding: 'utf8', maxBuffer: 1 << 28 } as const;
      const answer = spawnSync(find('qemu-aarch64')!, [there], options);
      expect(answer.status, answer.stderr).toBe(0);
      expect(answer.stdout.match(/^taken$/gm)?.length).toBe(1);
      expect(answer.stdout.match(/^refused$/gm)?.length).toBe(payloads.length - 1);
      if (find('cc') !== null)
        expect(spawnSync(build(find('cc')!, 'decoder', ['-O2']), [], options).stdout).toBe(answer.stdout);
    },
  );
});
