import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { because, find } from '../programs/support/host.ts';
import { finished, PACKAGE, start } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { compile } from './support/compiling.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const parent = fileURLToPath(new URL('handle-parent.mjs', import.meta.url));
const compiler = find('cc');

/** Versions of Node by where they are: the framing is internal to Node, so each that we support is tried. */
const versions = [
  { name: `Node ${process.version}, which runs the tests`, path: process.execPath },
  { name: 'Node 24, of the package `node`', path: join(PACKAGE, 'node_modules', 'node', 'bin', 'node') },
];

let child: string;
beforeAll(() => {
  if (compiler === null) return;
  child = compile({
    compiler,
    sources: ['handle-child.c'],
    units: ['handle.c', 'inbox.c'],
    output: join(scratch.root, 'child'),
  });
});

for (const { name, path } of versions) {
  const lacking = [
    ...(compiler === null ? ['a C compiler'] : []),
    ...(existsSync(path) ? [] : [`\`${path}\``]),
  ];
  describe.skipIf(lacking.length > 0)(`${name}${because(lacking)}`, () => {
    it.each([1, 2, 50])(
      'takes %i listening sockets from C over its own channel, and serves on them',
      (count) => {
        const done = spawnSync(path, [parent, child, String(count)], {
          encoding: 'utf8',
          timeout: 60_000,
          env: {},
        });
        expect(done.status, done.stderr).toBe(0);
        const { answers, warnings, code, signal } = JSON.parse(done.stdout) as Record<string, unknown>;
        expect({ answers, warnings, code, signal }).toEqual({
          answers: Array(count).fill('proxy object'),
          warnings: [],
          code: 0,
          signal: null,
        });
      },
    );

    it('runs openshell with its proxy', async () => {
      const ask = `exec 3<>/dev/tcp/127.0.0.1/3128 && printf 'CONNECT b.test:443 HTTP/1.1\\r\\nHost: b.test:443\\r\\n\\r\\n' >&3 && head -n 1 <&3`;
      const run = start(['run', '--quiet', '--allow', 'a.test', '--', 'bash', '-c', ask], {
        ...here,
        node: path,
      });
      expect(await finished(run)).toMatchObject({
        code: 0,
        stdout: 'HTTP/1.1 403 Forbidden\r\n',
        stderr: '',
      });
    });
  });
}
