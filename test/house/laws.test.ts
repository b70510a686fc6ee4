import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileSeccomp } from '../../src/compile/seccomp.ts';
import { shippedFilter, shippedInput } from '../../src/compile/shipped-filters.ts';

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'openshell-laws-'));
  for (const name of [
    'package.json',
    'tsconfig.base.json',
    'layers.json',
    'src/base',
    'src/kernel/arch.ts',
    'src/kernel/tsconfig.json',
    'src/observe/tsconfig.json',
  ]) {
    mkdirSync(join(copy, name, '..'), { recursive: true });
    cpSync(name, join(copy, name), { recursive: true });
  }
  symlinkSync(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true }));

function build(file: string, text: string): string {
  writeFileSync(join(copy, file), text);
  const { status, stdout } = spawnSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-b', 'src/kernel'],
    { cwd: copy, encoding: 'utf8' },
  );
  rmSync(join(copy, file));
  return status === 0 ? '' : stdout;
}

describe('INV-03 the compiler refuses', () => {
  it('nothing in a pure folder as it should be', () => {
    expect(build('src/kernel/new.ts', "export { ok } from '../base/result.ts';\n")).toBe('');
  });

  it('an import from a later folder', () => {
    expect(build('src/base/new.ts', "export { AUDIT_ARCH } from '../kernel/arch.ts';\n")).toMatch(
      /TS6307|TS6059/,
    );
  });

  it.each([
    "import 'node:fs';\n",
    'export const a = process.pid;\n',
    'export const b = Buffer.alloc(1);\n',
    'export const c = setTimeout;\n',
  ])('Node in a pure folder: %s', (text) => {
    expect(build('src/kernel/new.ts', text)).toMatch(/error TS/);
  });
});

describe('filters that the package ships', () => {
  it.each(['proxy', 'block', 'allow'] as const)('for %s equal what compiling gives', (network) => {
    const input = shippedInput('x86_64', network);
    const shipped = JSON.parse(readFileSync(`dist/filters/${shippedFilter(input)}.json`, 'utf8'));
    expect(shipped).toEqual(JSON.parse(JSON.stringify(compileSeccomp(input))));
    expect(JSON.stringify(compileSeccomp({ ...input, landlockAbi: 6 }))).toBe(
      JSON.stringify(compileSeccomp(input)),
    );
  });

  it('are for nothing but their own input', () => {
    const input = shippedInput('x86_64', 'proxy');
    expect(shippedFilter({ ...input, netlink: { mode: 'deny', line: 3 } })).toBeNull();
    expect(shippedFilter({ ...input, relaxations: [{ name: 'pidfd', line: 3 }] })).toBeNull();
    expect(shippedFilter({ ...input, refusalErrno: 199 })).toBeNull();
    expect(shippedFilter({ ...input, landlockAbi: 5 })).toBeNull();
  });
});
