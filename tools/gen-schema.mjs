// Writes schema/policy.schema.json from src/policy/schema*.ts. `--check` only compares.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadTypeScript } from './load-typescript.mjs';

const { policyJsonSchema } = await loadTypeScript('src/policy/json-schema.ts');
const path = 'schema/policy.schema.json';
const text = `${JSON.stringify(policyJsonSchema(), null, 2)}\n`;
let old = '';
try {
  old = readFileSync(path, 'utf8');
} catch {}
if (old !== text) {
  if (process.argv.includes('--check')) {
    console.error(`${path} is not what src/policy/schema.ts says: run \`npm run generate\``);
    process.exit(1);
  }
  mkdirSync('schema', { recursive: true });
  writeFileSync(path, text);
}
