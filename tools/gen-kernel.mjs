// Writes src/kernel/gen/*.ts from the C headers of this machine and tools/newer-kernel.json (what older headers lack).
// `--check`: writes nothing; every call and constant in the installed headers must have the same number in our tables.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AARCH64_WANTS, GROUPS, HEADERS, MORE } from './kernel-names.mjs';

const NEWER = JSON.parse(readFileSync('tools/newer-kernel.json', 'utf8'));
const ARCHES = ['x86_64', 'aarch64'];
const NODE_ARCH = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
const DIRECTORY = 'src/kernel/gen';

function preprocess(source, ...flags) {
  return execFileSync('cc', ['-E', ...flags, '-'], { input: source, encoding: 'utf8' });
}

/** Macros of a header as text, unexpanded. */
function macros(source) {
  const found = new Map();
  for (const line of preprocess(source, '-dM').split('\n')) {
    const match = /^#define (\w+) (.+)$/.exec(line);
    if (match) found.set(match[1], match[2]);
  }
  return found;
}

/** Call numbers of one architecture that the installed headers know, or null where they do not have that table. */
function headerCalls(arch) {
  const source =
    arch === 'x86_64'
      ? '#include <asm/unistd_64.h>\n'
      : `${AARCH64_WANTS.map((want) => `#define __ARCH_WANT_${want}\n`).join('')}#include <asm-generic/unistd.h>\n`;
  let defined;
  try {
    defined = macros(source);
  } catch {
    return null;
  }
  const calls = new Map();
  for (const [macro, text] of defined) {
    if (!macro.startsWith('__NR_') || macro === '__NR_syscalls' || macro === '__NR_arch_specific_syscall')
      continue;
    const number = Number(defined.get(text) ?? text);
    if (!Number.isInteger(number)) throw new Error(`${arch}: ${macro} is \`${text}\`, which is not a number`);
    if (number <= NEWER.last) calls.set(macro.slice('__NR_'.length), number);
  }
  return calls;
}

/** Every call of one architecture up to `NEWER.last`, by number. */
function allCalls(arch) {
  const calls = headerCalls(arch);
  if (calls === null)
    throw new Error(`the system call table of ${arch} is not installed: install linux-libc-dev on x86_64`);
  for (const [name, number] of Object.entries({ ...NEWER.calls.common, ...NEWER.calls[arch] })) {
    if ((calls.get(name) ?? number) !== number)
      throw new Error(`newer-kernel.json: ${name} is ${calls.get(name)} in the header`);
    calls.set(name, number);
  }
  const newest = Math.min(...Object.values(NEWER.calls.common));
  if (![...calls.values()].includes(newest - 1))
    throw new Error(`the headers end before call ${newest - 1}: those of Linux 6.1 or later are needed`);
  return new Map([...calls].sort((a, b) => a[1] - b[1]));
}

/** Values of named constants as this machine's compiler sees them; names that the headers lack are left out. */
function headerConstants(names) {
  const directory = mkdtempSync(join(tmpdir(), 'gen-kernel-'));
  try {
    const includes = HEADERS.map((header) => `#include <${header}>`).join('\n');
    const print = (list) =>
      `#define _GNU_SOURCE\n${includes}\n#include <stdio.h>\nint main(void) {\n${list
        .map((name) => `printf("%s %lld\\n", "${name}", (long long)(${name}));`)
        .join('\n')}\nreturn 0; }\n`;
    const source = join(directory, 'constants.c');
    const binary = join(directory, 'constants');
    let wanted = names;
    for (;;) {
      writeFileSync(source, print(wanted));
      try {
        execFileSync('cc', ['-w', '-fmax-errors=0', '-o', binary, source], {
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        break;
      } catch (error) {
        const missing = new Set(
          [...String(error.stderr).matchAll(/['‘](\w+)['’] undeclared/g)].map((m) => m[1]),
        );
        if (missing.size === 0) throw error;
        wanted = wanted.filter((name) => !missing.has(name));
      }
    }
    const lines = execFileSync(binary, { encoding: 'utf8' }).trim().split('\n');
    return new Map(lines.map((line) => line.split(' ')).map(([name, value]) => [name, Number(value)]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Error names to numbers, canonical names first for each number (EAGAIN before EWOULDBLOCK). */
function headerErrnos() {
  const defined = macros('#include <errno.h>\n');
  const errnos = [...defined].filter(([name, text]) => /^E[A-Z0-9]+$/.test(name) && /^\d+$/.test(text));
  const aliases = [...defined].filter(
    ([name, text]) => /^E[A-Z0-9]+$/.test(name) && /^E[A-Z0-9]+$/.test(text),
  );
  return {
    numbers: new Map(errnos.map(([name, text]) => [name, Number(text)]).sort((a, b) => a[1] - b[1])),
    aliases: new Map(aliases.sort()),
  };
}

function table(name, doc, entries) {
  const rows = [...entries].map(
    ([key, value]) => `  ${key}: ${typeof value === 'string' ? `'${value}'` : value},`,
  );
  return [`/** ${doc} */`, `export const ${name} = {`, ...rows, '} as const;', ''];
}

const banner = [
  '// Generated by tools/gen-kernel.mjs from the C headers and tools/newer-kernel.json. Do not edit.',
  `// Complete up to Linux ${NEWER.linux} (${NEWER.date}).`,
  '',
];

function generateSyscalls() {
  const out = [...banner];
  for (const arch of ARCHES)
    out.push(...table(`SYSCALLS_${arch.toUpperCase()}`, `System call numbers of ${arch}.`, allCalls(arch)));
  return out.join('\n');
}

function generateConstants() {
  const names = Object.values(GROUPS).flat();
  const known = headerConstants(names);
  const out = [...banner];
  for (const [group, list] of Object.entries(GROUPS)) {
    const entries = list.map((name) => [name, known.get(name) ?? NEWER.constants[name]]);
    const missing = entries.filter(([, value]) => value === undefined).map(([name]) => name);
    if (missing.length > 0)
      throw new Error(`neither in the headers nor in newer-kernel.json: ${missing.join(', ')}`);
    out.push(
      ...table(constantTable(group), `Constants of the group \`${group}\`.`, [
        ...entries,
        ...Object.entries(MORE[group] ?? {}),
      ]),
    );
  }
  for (const arch of ARCHES) {
    const name = `OPEN_${arch.toUpperCase()}`;
    out.push(
      ...table(
        name,
        `Flags of open(2) that differ between architectures, on ${arch}.`,
        Object.entries(NEWER.perArch[arch]),
      ),
    );
  }
  return out.join('\n');
}

function generateErrnos() {
  const { numbers, aliases } = headerErrnos();
  return [
    ...banner,
    ...table('ERRNOS', 'Error numbers (errno(3)), one name for each.', numbers),
    ...table('ERRNO_ALIASES', 'Second names of some of them.', aliases),
  ].join('\n');
}

const constantTable = (group) => group.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase();

/** Compares a table of ours, read from the generated text, with what the headers say. */
function compare(what, text, name, headers) {
  const body = new RegExp(`export const ${name} = \\{\\n([^}]*)\\}`).exec(text)?.[1] ?? '';
  const ours = new Map([...body.matchAll(/^ {2}(\w+): (-?\d+),$/gm)].map((m) => [m[1], Number(m[2])]));
  let wrong = 0;
  for (const [key, value] of headers) {
    if (ours.get(key) === value) continue;
    wrong += 1;
    console.error(
      `${what}: ${key} is ${value} in the installed headers and ${ours.get(key) ?? 'missing'} in ${DIRECTORY}`,
    );
  }
  return wrong;
}

function check() {
  const read = (file) =>
    existsSync(`${DIRECTORY}/${file}`) ? readFileSync(`${DIRECTORY}/${file}`, 'utf8') : '';
  let wrong = 0;
  for (const arch of ARCHES) {
    const calls = headerCalls(arch);
    if (calls === null) console.error(`gen-kernel: no table of ${arch} installed here: not compared`);
    else wrong += compare(arch, read('syscalls.ts'), `SYSCALLS_${arch.toUpperCase()}`, calls);
  }
  const constants = read('constants.ts');
  for (const [group, list] of Object.entries(GROUPS))
    wrong += compare(group, constants, constantTable(group), headerConstants(list));
  if (NODE_ARCH !== undefined) {
    const own = headerConstants(Object.keys(NEWER.perArch[NODE_ARCH]));
    own.delete('O_LARGEFILE'); // glibc defines it as 0 where off_t has 64 bits anyway
    wrong += compare(NODE_ARCH, constants, `OPEN_${NODE_ARCH.toUpperCase()}`, own);
  }
  wrong += compare('errno', read('errnos.ts'), 'ERRNOS', headerErrnos().numbers);
  if (wrong > 0) {
    console.error('run `node tools/gen-kernel.mjs`, or correct tools/newer-kernel.json');
    process.exit(1);
  }
}

if (process.argv.includes('--check')) {
  check();
} else {
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(`${DIRECTORY}/syscalls.ts`, generateSyscalls());
  writeFileSync(`${DIRECTORY}/constants.ts`, generateConstants());
  writeFileSync(`${DIRECTORY}/errnos.ts`, generateErrnos());
}
