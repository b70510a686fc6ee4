/** docs/enforcement.md, made from the probes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Tier } from '../../src/plan/plan.ts';
import { REPOSITORY } from '../support/product.ts';
import { type Probe, type Subject, termsOf } from './probe.ts';

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

The column *platform tier* says what is otherwise without namespaces: another answer, or what would be needed to refuse it, and is
not there: the suite sees that the attack works. [enforcement-matrix.md](enforcement-matrix.md) counts all of it, place by place.

${probes.length} attacks. This page is generated: \`UPDATE_GOLDEN=1 npx vitest run --project host test/enforcement/catalogue.test.ts\`.
`;
};

export function pageOf(subjects: readonly Subject[]): string {
  const probes = subjects.flatMap((subject) => subject.probes);
  const open = (tier: Tier): readonly (readonly [string, string])[] =>
    probes.flatMap((probe) => {
      const reason = termsOf(probe, tier).open;
      return reason === undefined ? [] : [[probe.id, reason] as const];
    });
  const everywhere = open('namespaces');
  const onPlatform = open('platform').filter(([id]) => !everywhere.some(([known]) => known === id));
  return [
    introduction(subjects),
    ...subjects.map(section),
    ...notHeld('Not held yet', everywhere),
    ...notHeld('Not held yet in the platform tier', onPlatform),
  ].join('\n');
}

function notHeld(title: string, rows: readonly (readonly [id: string, reason: string])[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const [id, reason] of rows) reasons.set(reason, [...(reasons.get(reason) ?? []), `\`${id}\``]);
  const lines = [...reasons].map(([reason, ids]) => `- ${ids.join(', ')}: ${reason}.`);
  return rows.length === 0 ? [] : [`## ${title}\n\n${lines.join('\n')}\n`];
}

function section({ title, probes }: Subject): string {
  return `## ${title}\n\n| the workload cannot … | it gets | platform tier | proof | probe |\n|---|---|---|---|---|\n${probes.map(row).join('\n')}\n`;
}

function platform(probe: Probe): string {
  const { errno, open, lacks } = termsOf(probe, 'platform');
  if (lacks !== undefined) return `needs a ${lacks}`;
  if (open !== undefined && probe.open === undefined) return '**open**';
  return errno === probe.errno || errno === undefined ? '' : errno;
}

function row(probe: Probe): string {
  const { id, what, proof, errno, dependsOn, open, arch } = probe;
  const remarks = [
    ...(dependsOn === undefined ? [] : [` † ${dependsOn}`]),
    ...(arch === undefined ? [] : [` (${arch})`]),
    ...(open === undefined ? [] : [' **open**']),
  ];
  return `| ${what.replaceAll('|', '\\|')} | ${errno ?? ''} | ${platform(probe)} | ${proof}${remarks.join('')} | \`${id}\` |`;
}
