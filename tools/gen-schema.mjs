// Writes schema/*.schema.json from src/policy/schema*.ts and src/policy/routes/schema.ts. `--check` only compares.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadTypeScript } from './load-typescript.mjs';

const { policyJsonSchema, routesJsonSchema } = await loadTypeScript('src/policy/json-schema.ts');
for (const [name, schema] of [
  ['policy', policyJsonSchema()],
  ['routes', routesJsonSchema()],
]) {
  const path = `schema/${name}.schema.json`;
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  let old = '';
  try {
    old = readFileSync(path, 'utf8');
  } catch {}
  if (old === text) continue;
  if (process.argv.includes('--check')) {
    console.error(`${path} is not what src/policy says: run \`npm run generate\``);
    process.exit(1);
  }
  mkdirSync('schema', { recursive: true });
  writeFileSync(path, text);
}
