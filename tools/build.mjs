// Bundles the command line into dist/openshell.cjs: one CommonJS file, which starts fastest.
import { chmodSync } from 'node:fs';
import { build } from 'esbuild';

await build({
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/openshell.cjs',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // Variables that change how Node itself starts are the caller's business, not ours.
  banner: { js: '#!/usr/bin/env -S -u NODE_OPTIONS node' },
  logLevel: 'warning',
});
chmodSync('dist/openshell.cjs', 0o755);
