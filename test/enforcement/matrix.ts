/** docs/enforcement-matrix.md: what the suite came to in each place, a row per place, written by the run there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { REPOSITORY } from '../support/product.ts';
import { PLACE_NAMES, type Place } from './place.ts';
import { LACKING, type Lacking, type Probe, termsOf } from './probe.ts';

const PATH = join(REPOSITORY, 'docs', 'enforcement-matrix.md');

const HEAD = `# The enforcement suite, place by place

Every attack of [enforcement.md](enforcement.md), in every place where the suite runs. *Refused*: it fails in a sandbox there, and
what is outside is unchanged. *Not held*: it works, and is a known defect. The other columns are what a tier cannot hold, by
what it would need; the run sees that each of these attacks works there, so that nothing is given away that is held.

| place | attacks | refused | not held | ${LACKING.map((what) => `needs a ${what}`).join(' | ')} |
|---|${'---:|'.repeat(3 + LACKING.length)}
`;
const FOOT = `
Each row is written by the run in its place: \`UPDATE_GOLDEN=1 npx vitest run --project host test/enforcement/probes\`.
`;

/** @param refused whether an attack was, in this run */
export function expectRow(
  { name, tier }: Place,
  probes: readonly Probe[],
  refused: (probe: Probe) => boolean,
): void {
  const terms = probes.map((probe) => termsOf(probe, tier));
  const lacking = (what: Lacking): number => terms.filter(({ lacks }) => lacks === what).length;
  const counts = [
    probes.length,
    probes.filter(refused).length,
    terms.filter(({ open }) => open !== undefined).length,
    ...LACKING.map(lacking),
  ];
  const row = `| ${name} | ${counts.join(' | ')} |`;
  const rows = rowsOf(read());
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(PATH, pageOf(rows.set(name, row)));
  expect(row).toBe(rows.get(name));
}

/** That the page is made of rows for the places that there are. */
export function expectMatrix(): void {
  const page = read();
  const rows = rowsOf(page);
  expect([...rows.keys()]).toEqual(PLACE_NAMES);
  expect(page).toBe(pageOf(rows));
}

const pageOf = (rows: ReadonlyMap<string, string>): string =>
  HEAD +
  PLACE_NAMES.flatMap((name) => rows.get(name) ?? [])
    .map((row) => `${row}\n`)
    .join('') +
  FOOT;

function rowsOf(page: string): Map<string, string> {
  const rows = new Map<string, string>();
  for (const line of page.split('\n')) {
    const name = /^\| ([^|]*) \| \d/.exec(line)?.[1];
    if (name !== undefined) rows.set(name, line);
  }
  return rows;
}

function read(): string {
  try {
    return readFileSync(PATH, 'utf8');
  } catch {
    return '';
  }
}
