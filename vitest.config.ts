import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** `unit`: pure code and single modules. `host`: the built program on this kernel, as whoever runs the tests. */
const HOST = ['containers', 'differential', 'enforcement', 'launcher', 'programs', 'command'];

export default defineConfig({
  cacheDir: join(tmpdir(), `openshell-vite-${process.getuid?.() ?? 0}`),
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['build/**', ...HOST.map((folder) => `test/${folder}/**`)],
          pool: 'threads',
          isolate: false,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'host',
          include: HOST.map((folder) => `test/${folder}/**/*.test.ts`),
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
