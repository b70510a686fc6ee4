import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planSections } from '../../src/cli/plan-text.ts';
import { explainSyscall } from '../../src/compile/explain-syscall.ts';
import type { Arch } from '../../src/kernel/arch.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { expectGolden } from '../support/golden.ts';
import { compiled } from './compiled.ts';
import { pretendedHost } from './pretended-host.ts';

const EXAMPLES = readdirSync('examples').filter((name) => name.endsWith('.yaml'));

/** The calls that programs make most, with what the filter adds to each: instructions run. */
const HOT = [
  'read(0, 0, 0)',
  'write(1, 0, 0)',
  'futex(0, 0, 0)',
  'mmap(0, 0, 0, 0, 0, 0)',
  'openat(0, 0, 0, 0)',
  'close(0)',
  'newfstatat(0, 0, 0, 0)',
  'sendto(0, 0, 0, 0, 0, 0)',
  'recvfrom(0, 0, 0, 0, 0, 0)',
  'connect(0, 0, 0)',
  'socket(AF_INET, SOCK_STREAM, 0)',
  'ptrace(0)',
];

function page(name: string, plan: Plan): string {
  const sections = planSections(plan, true).filter(([, lines]) => lines.length > 0);
  const cost = HOT.map((call) => {
    const answer = explainSyscall(plan.seccomp, plan.arch, call);
    return answer.ok
      ? `${answer.value.verdict.padEnd(8)} ${String(answer.value.steps).padStart(3)}  ${call}`
      : `none          ${call}`;
  });
  return [
    `# ${name} on ${plan.arch}`,
    ...sections.map(
      ([title, lines]) => `## ${title}\n\n\`\`\`\n${lines.map(({ text }) => text).join('\n')}\n\`\`\``,
    ),
    `## cost\n\n\`\`\`\n${cost.join('\n')}\n\`\`\``,
  ]
    .join('\n\n')
    .concat('\n');
}

describe.each(EXAMPLES)('examples/%s', (name) => {
  const text = readFileSync(`examples/${name}`, 'utf8');

  it.each<Arch>(['x86_64', 'aarch64'])('comes to its golden page on %s', (arch) => {
    const plan = compiled(text, { file: name, facts: pretendedHost({ arch }) });
    expectGolden(`plans/${name.replace('.yaml', '')}.${arch}.md`, page(name, plan));
  });

  it('INV-02 compiles twice to byte-equal plans', () => {
    expect(JSON.stringify(compiled(text))).toBe(JSON.stringify(compiled(text)));
  });
});
