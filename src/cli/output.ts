/** How commands print: text for people, or one JSON document with `--output json`. Colour on terminals only. */
import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { printable } from '../base/source.ts';
import { writeError } from '../observe/standard-error.ts';
import { writeAll } from '../observe/write.ts';
import { UsageError } from './usage.ts';

export type Output = 'text' | 'json';

export const OUTPUT_OPTIONS = {
  output: { type: 'string', short: 'o' },
  help: { type: 'boolean', short: 'h' },
} as const;

export function outputOf(text: string | undefined): Output {
  if (text === undefined || text === 'text') return 'text';
  if (text === 'json') return 'json';
  throw new UsageError(`--output ${text}: expected text or json`);
}

export const say = (line: string): void => void writeAll(1, `${line}\n`);
/** On standard error: complaints repeat what they are about, which may be hostile. */
export const tell = (line: string): void => void writeAll(2, `${printable(line)}\n`);
/** The same while a sandbox runs: it must not wait for a reader. */
export const tellAside = (line: string): void => writeError(`${printable(line)}\n`);
export const sayJson = (value: unknown): void => say(JSON.stringify(value, null, 2));

type Style = 'red' | 'green' | 'yellow' | 'bold' | 'dim';

export const styled = (style: Style, text: string): string =>
  isatty(1) && process.env['NO_COLOR'] === undefined ? styleText(style, text) : text;

/** Rows with columns as wide as their widest cell; the last column runs free. */
export function table(rows: readonly (readonly string[])[], indent = '  '): string[] {
  const widths = rows.reduce<number[]>(
    (known, row) => row.slice(0, -1).map((cell, i) => Math.max(known[i] ?? 0, cell.length)),
    [],
  );
  const all = rows.reduce<number[]>(
    (known, row) => row.map((cell, i) => Math.max(known[i] ?? 0, cell.length)),
    widths,
  );
  return rows.map((row) =>
    (
      indent + row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(all[i]!))).join('  ')
    ).trimEnd(),
  );
}
