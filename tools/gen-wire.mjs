// Writes launcher/gen/wire.h from src/plan/wire.ts. `--check` only compares.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadTypeScript } from './load-typescript.mjs';

const hex4 = (text) => Buffer.from(text.split('.').map(Number)).toString('hex');
/** The 16 bytes of an IPv6 address with one `::`. */
function bytes6(text) {
  const [head, tail] = text.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const groups = [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
}

const wire = await loadTypeScript('src/plan/wire.ts');
const out = [
  '/* Generated from src/plan/wire.ts by tools/gen-wire.mjs. Do not edit. */',
  '#ifndef OPENSHELL_WIRE_H',
  '#define OPENSHELL_WIRE_H',
  '#include <stddef.h>',
  '#include <stdint.h>',
  '',
  `#define DOCUMENT_MAGIC 0x${wire.DOCUMENT_MAGIC.toString(16)}u`,
  `#define MAX_DOCUMENT ${wire.MAX_DOCUMENT}u`,
  `#define MAX_FRAME ${wire.MAX_FRAME}u`,
  `#define SYNTHETIC_V4 0x${hex4(wire.INNER.syntheticV4.base)}u`,
  `#define SYNTHETIC_V4_PREFIX ${wire.INNER.syntheticV4.prefix}`,
  `#define SYNTHETIC_V6 {${bytes6(wire.INNER.syntheticV6.base)
    .slice(0, wire.INNER.syntheticV6.prefix / 8)
    .join(', ')}}`,
  `#define SYNTHETIC_V6_PREFIX ${wire.INNER.syntheticV6.prefix}`,
  `#define OWN_V4 0x${hex4(wire.INNER.ownV4)}u`,
  `#define OWN_V6 {${bytes6(wire.INNER.ownV6).join(', ')}}`,
  `#define RELAYED_STARTS {${wire.RELAYED_NUMBERS.starts.join(', ')}}`,
  `#define RELAYED_COUNT ${wire.RELAYED_NUMBERS.count}`,
  `#define MAX_QUESTIONS ${wire.MAX_QUESTIONS}`,
  `#define MAX_KEPT ${wire.MAX_KEPT}`,
  `#define DNS_V4 0x${hex4(wire.INNER.dns)}u`,
  '',
  'struct text {',
  '  uint32_t offset;',
  '  uint32_t length;',
  '};',
  '',
];
const C_TYPES = { u8: 'uint8_t', u16: 'uint16_t', u32: 'uint32_t', u64: 'uint64_t', string: 'struct text' };
for (const [name, values] of Object.entries(wire.ENUMS)) {
  out.push(`enum ${name} {`);
  for (const [key, value] of Object.entries(values))
    out.push(`  ${name.toUpperCase()}_${key.toUpperCase()} = ${value},`);
  out.push('};', '');
}
out.push('enum section_kind {');
for (const [name, section] of Object.entries(wire.SECTIONS))
  out.push(`  SECTION_${name.toUpperCase()} = ${section.kind},`);
out.push(
  '};',
  `#define SECTION_KINDS ${Math.max(...Object.values(wire.SECTIONS).map((s) => s.kind)) + 1}`,
  '',
);
for (const [name, section] of Object.entries(wire.SECTIONS)) {
  out.push(`struct ${name}_row {`);
  for (const [field, type] of Object.entries(section.fields)) out.push(`  ${C_TYPES[type]} ${field};`);
  out.push('};');
  out.push(
    `_Static_assert(sizeof(struct ${name}_row) == ${wire.rowSize(section.fields)}, "${name}_row has padding");`,
    '',
  );
}
out.push(
  'struct section_layout {',
  '  uint32_t row_size;',
  '  uint32_t max_rows;',
  '  uint32_t texts[4]; /* offset + 1 of each string field, 0 ends */',
  '};',
  '',
);
out.push('static const struct section_layout SECTION_LAYOUTS[SECTION_KINDS] = {');
for (const [name, section] of Object.entries(wire.SECTIONS)) {
  const texts = Object.entries(section.fields)
    .filter(([, type]) => type === 'string')
    .map(([field]) => `offsetof(struct ${name}_row, ${field}) + 1`);
  if (texts.length > 3) throw new Error(`${name} has more strings than the layout table holds`);
  out.push(
    `    [SECTION_${name.toUpperCase()}] = {sizeof(struct ${name}_row), ${section.max}, {${[...texts, '0'].join(', ')}}},`,
  );
}
out.push('};', '', '#endif', '');
const text = out.join('\n');
const path = 'launcher/gen/wire.h';
let old = '';
try {
  old = readFileSync(path, 'utf8');
} catch {}
if (old !== text) {
  if (process.argv.includes('--check')) {
    console.error(`${path} is not what src/plan/wire.ts says: run \`npm run generate\``);
    process.exit(1);
  }
  mkdirSync('launcher/gen', { recursive: true });
  writeFileSync(path, text);
}
