// Everything that is checked without running the product: types and layers, lint and format, generated files, the
// laws of the house. Prints each failed check; exit code 1 when there was one.
import { spawnSync } from 'node:child_process';

const CHECKS = [
  ['layers', ['tools/layers.mjs', '--check']],
  ['types', ['node_modules/typescript/bin/tsc', '-b']],
  ['lint and format', ['node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off', '.']],
  ['wire format', ['tools/gen-wire.mjs', '--check']],
  ['kernel tables', ['tools/gen-kernel.mjs', '--check']],
  ['policy schema', ['tools/gen-schema.mjs', '--check']],
  ['house laws', ['tools/check-laws.mjs']],
];

let failed = 0;
for (const [name, [script, ...args]] of CHECKS) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  if (status === 0) continue;
  failed += 1;
  console.error(`check failed: ${name}\n${stdout}${stderr}`);
}
console.log(failed === 0 ? `${CHECKS.length} checks passed` : `${failed} of ${CHECKS.length} checks failed`);
process.exit(failed === 0 ? 0 : 1);
