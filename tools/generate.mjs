// Writes every file that is made from others: project files of the layers, the wire header, kernel tables, the schema.
import { spawnSync } from 'node:child_process';

for (const tool of ['layers', 'gen-wire', 'gen-kernel', 'gen-schema']) {
  const { status } = spawnSync(process.execPath, [`tools/${tool}.mjs`], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
