// Bundles the command line: dist/openshell.cjs holds what every run needs, dist/cold.cjs the rest (the policy language,
// the compiler, the proxy). One CommonJS file each, since Node reads that fastest.
import { chmodSync } from 'node:fs';
import { build } from 'esbuild';

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/** `import('./cold.ts')` becomes a `require` of the second file. */
const split = {
  name: 'cold',
  setup({ onResolve }) {
    onResolve({ filter: /\/cold\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './cold.cjs', external: true } : undefined,
    );
  },
};

await build({ ...common, entryPoints: ['src/cli/cold.ts'], outfile: 'dist/cold.cjs' });
await build({
  ...common,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/openshell.cjs',
  plugins: [split],
  // Variables that change how Node itself starts are the caller's business, not ours.
  banner: { js: '#!/usr/bin/env -S -u NODE_OPTIONS node' },
});
chmodSync('dist/openshell.cjs', 0o755);
