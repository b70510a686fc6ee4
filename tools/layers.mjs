// Writes src/*/tsconfig.json and tsconfig.json from layers.json. `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs';

const { order } = JSON.parse(readFileSync('layers.json', 'utf8'));
const check = process.argv.includes('--check');
let stale = 0;

function put(path, value) {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  let old = '';
  try {
    old = readFileSync(path, 'utf8');
  } catch {}
  if (old === text) return;
  stale += 1;
  if (check) console.error(`${path} is not what layers.json says: run \`npm run generate\``);
  else writeFileSync(path, text);
}

const seen = new Set();
for (const { folder, world, imports } of order) {
  for (const name of imports) {
    if (!seen.has(name))
      throw new Error(`layers.json: ${folder} imports ${name}, which does not stand before it`);
  }
  seen.add(folder);
  put(`src/${folder}/tsconfig.json`, {
    extends: '../../tsconfig.base.json',
    compilerOptions: {
      rootDir: '.',
      outDir: `../../build/${folder}`,
      tsBuildInfoFile: `../../build/${folder}/tsbuildinfo`,
      types: world === 'node' ? ['node'] : [],
    },
    include: ['**/*.ts'],
    references: imports.map((name) => ({ path: `../${name}` })),
  });
}
put('test/tsconfig.json', {
  extends: '../tsconfig.base.json',
  compilerOptions: {
    rootDir: '.',
    outDir: '../build/test',
    tsBuildInfoFile: '../build/test/tsbuildinfo',
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
    emitDeclarationOnly: true,
    types: ['node'],
    noPropertyAccessFromIndexSignature: false,
  },
  include: ['**/*.ts'],
  references: order.map(({ folder }) => ({ path: `../src/${folder}` })),
});
put('tsconfig.json', {
  files: [],
  references: [...order.map(({ folder }) => ({ path: `./src/${folder}` })), { path: './test' }],
});
if (check && stale > 0) process.exit(1);
