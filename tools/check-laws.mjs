// Laws that no compiler knows: declared arrows only, no circles, no clock or dice in pure folders, sizes, names,
// every invariant in a test, every folder in ARCHITECTURE.md.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const { order } = JSON.parse(readFileSync('layers.json', 'utf8'));
const layers = new Map(order.map((layer) => [layer.folder, layer]));
const problems = [];
const MAX_LINES = 400;
const MAX_C_LINES = 450;
const FORBIDDEN_NAMES = /^(utils?|helpers?|common|shared|misc|manager|core)\.(ts|c|h)$/;

const walk = (directory) =>
  readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

const sources = walk('src').filter((path) => path.endsWith('.ts'));
const imports = new Map();
for (const path of sources) {
  const text = readFileSync(path, 'utf8');
  const folder = path.split('/')[1];
  const layer = layers.get(folder);
  const generated = path.includes('/gen/');
  const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    relative('.', resolve(dirname(path), match[1])),
  );
  imports.set(path, targets);
  for (const target of targets) {
    const other = target.split('/')[1];
    if (other !== folder && !layer.imports.includes(other))
      problems.push(`${path} imports ${target}: layers.json does not let ${folder} import ${other}`);
  }
  const lines = text.split('\n').length;
  if (!generated && lines > MAX_LINES) problems.push(`${path} has ${lines} lines (at most ${MAX_LINES})`);
  if (layer.world === 'pure' && /\b(Date\.now|new Date\(|Math\.random|process\.env)/.test(text))
    problems.push(`${path} is pure and must not read a clock, a die or the environment`);
}

// Circles among files, also within a folder; a late `import()` is an edge like any other.
const state = new Map();
function visit(path, trail) {
  if (state.get(path) === 'done' || !imports.has(path)) return;
  if (state.get(path) === 'open') {
    problems.push(`circle: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`);
    return;
  }
  state.set(path, 'open');
  for (const target of imports.get(path)) visit(target, [...trail, path]);
  state.set(path, 'done');
}
for (const path of sources) visit(path, []);

for (const path of walk('launcher').filter((name) => /\.[ch]$/.test(name) && !name.includes('/gen/'))) {
  const lines = readFileSync(path, 'utf8').split('\n').length;
  if (lines > MAX_C_LINES) problems.push(`${path} has ${lines} lines (at most ${MAX_C_LINES})`);
}
for (const path of [...sources, ...walk('launcher')]) {
  if (FORBIDDEN_NAMES.test(path.split('/').at(-1)))
    problems.push(`${path}: the name says nothing about what is in it`);
}

const architecture = readFileSync('ARCHITECTURE.md', 'utf8');
const tests = walk('test')
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');
for (const { folder } of order)
  if (!architecture.includes(`\`${folder}\``))
    problems.push(`ARCHITECTURE.md does not name the folder ${folder}`);
const invariants = [...architecture.matchAll(/\bINV-(\d\d)\b/g)].map((match) => match[0]);
if (new Set(invariants).size < 10) problems.push('ARCHITECTURE.md numbers fewer than ten invariants');
for (const invariant of new Set(invariants))
  if (!tests.includes(invariant)) problems.push(`no test names ${invariant}`);

for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);
