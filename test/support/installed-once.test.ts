import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { installedOnce, type Step, skipped, type Tool } from './installed-once.ts';
import { Scratch } from './scratch.ts';

const scratch = new Scratch('installed-once');
afterAll(() => scratch.remove());
const sh = (script: string): Step => ({ argv: ['sh', '-c', script] });
const tool = (...scripts: string[]): Tool => ({
  name: 'tool',
  version: '1',
  program: 'bin/tool',
  steps: () => scripts.map(sh),
});
const MAKE = 'mkdir bin; echo "#!/bin/sh" >bin/tool; chmod +x bin/tool';
const place = (root: string): string => join(root, `openshell-tools-${process.getuid!()}`);

it('installs a tool once, however many want it at once', async () => {
  const root = scratch.directory('once');
  const log = join(root, 'log');
  const wanted = tool(`echo one >>${log}`, MAKE);
  const all = await Promise.all([1, 2, 3].map(() => installedOnce(wanted, root)));
  const directory = join(place(root), 'tool-1');
  expect(all).toEqual(all.map(() => ({ directory, program: join(directory, 'bin/tool') })));
  expect(await installedOnce(wanted, root)).toEqual(all[0]);
  expect(readFileSync(log, 'utf8')).toBe('one\n');
  expect(skipped(all[0]!)).toBe('');
});

it.each([
  ['a command fails', tool('echo a >&2; echo why >&2; exit 3', MAKE), 'why'],
  ['a command says nothing', tool('exit 3'), 'sh ended with 3'],
  [
    'there is no such command',
    { ...tool(), steps: () => [{ argv: ['no-such-command'] }] },
    'spawn no-such-command',
  ],
  ['what was installed is something else', tool('mkdir bin'), 'ENOENT'],
])('says why there is none, and leaves nothing, where %s', async (name, wanted, why) => {
  const root = scratch.directory(name);
  const missing = await installedOnce(wanted, root);
  expect(missing).toEqual({ missing: expect.stringMatching(/^tool 1 cannot be installed: /) });
  expect(skipped(missing)).toContain(why);
  expect(readdirSync(place(root))).toEqual([]);
});

it('begins again where one was stopped half way', async () => {
  const root = scratch.directory('again');
  mkdirSync(join(place(root), 'tool-1.fresh', 'bin'), { recursive: true });
  expect(await installedOnce(tool(MAKE), root)).toHaveProperty('program');
  expect(existsSync(join(place(root), 'tool-1.fresh'))).toBe(false);
});
