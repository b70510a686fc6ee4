// Builds dist/. openshell.cjs loads main.js, which holds what every run needs. Each src/*/NAME.late.ts, which is only
// ever imported by `import()`, becomes a bundle of its own. Every bundle has its code cache beside it; filters/ holds
// the filters that most runs need.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { loadTypeScript } from './load-typescript.mjs';

const LATE = /([\w-]+)\.late\.ts$/;

/** `import('./NAME.late.ts')` becomes a `require` of that bundle. */
const late = {
  name: 'late',
  setup({ onResolve }) {
    onResolve({ filter: LATE }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./${LATE.exec(path)[1]}.cjs`, external: true } : undefined,
    );
  },
};

/** Its modules can be left out one by one, which those of the build for Node cannot. Libraries have what they ask for. */
const yaml = {
  name: 'yaml',
  setup({ onResolve }) {
    onResolve({ filter: /^yaml$/ }, ({ importer }) =>
      importer.includes('node_modules') ? undefined : { path: resolve('node_modules/yaml/browser/index.js') },
    );
  },
};

/** One class of many: the rest would be read at the first inspected connection too. */
const undici = {
  name: 'undici',
  setup({ onResolve }) {
    onResolve({ filter: /^undici$/ }, ({ importer }) =>
      importer.includes('node_modules')
        ? undefined
        : {
            path: resolve(
              importer.includes('/src/inference/') ? 'tools/undici-request.cjs' : 'tools/undici-pool.cjs',
            ),
          },
    );
  },
};

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [late, yaml, undici],
  // `require` instead: the loader of ECMAScript modules is not needed for anything else.
  supported: { 'dynamic-import': false },
};

rmSync('dist', { recursive: true, force: true });
/** A function of what Node gives to a module, in ASCII, so that it can be read without decoding. */
const wrapped = {
  banner: { js: '(function (exports, require, module, __filename, __dirname) {' },
  footer: { js: '})' },
  charset: 'ascii',
};
const entries = readdirSync('src', { recursive: true }).filter((path) => LATE.test(path));
await build({ ...common, ...wrapped, entryPoints: ['src/cli/main.ts'], outfile: 'dist/main.js' });
for (const entry of entries) {
  const name = basename(entry, '.late.ts');
  await build({ ...common, ...wrapped, entryPoints: [join('src', entry)], outfile: `dist/${name}.js` });
  writeFileSync(`dist/${name}.cjs`, `module.exports = require('./openshell.cjs').load('${name}');\n`);
}
/**
 * A shell starts Node: without the variable that changes how Node itself starts; with an address that no machine has for
 * the debugger, which SIGUSR1 opens until we listen to that signal; and with a plus before each argument where Node would
 * take one for its own. It looks for `--env-file` in what comes before a `--`, and since 23.10 for files of
 * configuration in all arguments. For Node, the second line is a string and a comment.
 */
const START = `#!/bin/sh
':' //; unset NODE_OPTIONS; case "$*" in *--env-file*|*-config-file*) for a; do shift; set -- "$@" "+$a"; done; set -- + "$@";; esac; exec node --inspect-port=240.0.0.1:9229 -- "$0" "$@"
`;
writeFileSync('dist/openshell.cjs', START + readFileSync('tools/start.cjs', 'utf8'), { mode: 0o755 });

const { compileSeccomp } = await loadTypeScript('src/compile/seccomp.ts');
const { shippedInput } = await loadTypeScript('src/compile/shipped-filters.ts');
mkdirSync('dist/filters');
for (const arch of ['x86_64', 'aarch64']) {
  for (const network of ['proxy', 'block', 'allow']) {
    writeFileSync(
      `dist/filters/${arch}-${network}.json`,
      JSON.stringify(compileSeccomp(shippedInput(arch, network))),
    );
  }
}

const { status } = spawnSync(process.execPath, ['tools/build-cache.cjs'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, NODE_OPTIONS: '' },
});
if (status !== 0) console.error('openshell: built without a code cache: first starts take longer');
