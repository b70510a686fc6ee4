/** docs/enforcement.md, made from the probes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { REPOSITORY } from '../support/product.ts';
import type { Probe, Subject } from './probe.ts';

const PATH = join(REPOSITORY, 'docs', 'enforcement.md');

/** `UPDATE_GOLDEN=1` writes it instead. */
export function expectPage(text: string): void {
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(PATH, text);
  expect(text).toBe(readFileSync(PATH, 'utf8'));
}

const introduction = (subjects: readonly Subject[]): string => {
  const probes = subjects.flatMap((subject) => subject.probes);
  const count = (proof: Probe['proof']): number => probes.filter((probe) => probe.proof === proof).length;
  return `# What is enforced, and what proves it

Each row is an attack that \`npm test\` makes inside a sandbox, where it must fail. An attack that fails shows little by
itself: it could fail on any machine. So each has a proof that it is the sandbox that refuses, the strongest that there is:

- **control** (${count('control')}): without a sandbox the same attack, by the same user, works.
- **userns-control** (${count('userns-control')}): it works for root of a user namespace of its own, with new namespaces of every other kind.
- **marker** (${count('marker')}): the kernel refuses it to everybody whom a test may be. Under the same plan with each errno of the filter
  replaced by one that no kernel has, the attack gets that one: the filter had decided before the kernel could.

The suite tries the stronger proofs first and fails when a weaker one is recorded. Where it depends on the host whether a
stronger one exists, the row says on what (†). Rows marked **open** are not held yet; why is told below. What needs a part that
the host plays is tried elsewhere in test/enforcement.

${probes.length} attacks. This page is generated: \`UPDATE_GOLDEN=1 npx vitest run --project host test/enforcement/catalogue.test.ts\`.
`;
};

export function pageOf(subjects: readonly Subject[]): string {
  const open = subjects.flatMap(({ probes }) => probes).filter((probe) => probe.open !== undefined);
  return [
    introduction(subjects),
    ...subjects.map(section),
    ...(open.length === 0
      ? []
      : [`## Not held yet\n\n${open.map((probe) => `- \`${probe.id}\`: ${probe.open}.`).join('\n')}\n`]),
  ].join('\n');
}

function section({ title, probes }: Subject): string {
  return `## ${title}\n\n| the workload cannot … | it gets | proof | probe |\n|---|---|---|---|\n${probes.map(row).join('\n')}\n`;
}

function row({ id, what, proof, errno, dependsOn, open, arch }: Probe): string {
  const remarks = [
    ...(dependsOn === undefined ? [] : [` † ${dependsOn}`]),
    ...(arch === undefined ? [] : [` (${arch})`]),
    ...(open === undefined ? [] : [' **open**']),
  ];
  return `| ${what.replaceAll('|', '\\|')} | ${errno ?? ''} | ${proof}${remarks.join('')} | \`${id}\` |`;
}
