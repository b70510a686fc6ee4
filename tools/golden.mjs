// Writes the golden pages anew; `git diff` then shows what changed. Arguments: test files, else all that have pages.
import { spawnSync } from 'node:child_process';

const env = { ...process.env, UPDATE_GOLDEN: '1' };
const only = process.argv.slice(2);
const RUNS =
  only.length > 0
    ? [only]
    : [
        ['--project', 'unit'],
        ['--project', 'host', 'test/enforcement/catalogue.test.ts'],
      ];
for (const args of RUNS) {
  const command = ['node_modules/vitest/vitest.mjs', 'run', '--configLoader', 'runner', ...args];
  const { status } = spawnSync(process.execPath, command, { stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
