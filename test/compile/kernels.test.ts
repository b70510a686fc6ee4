/** Kernels that cannot be booted here: what a plan, its report and `doctor` say where a feature is missing. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planSections } from '../../src/cli/plan-text.ts';
import type { KernelFacts } from '../../src/plan/facts.ts';
import { kernelFindings } from '../../src/session/doctor.ts';
import { expectGolden } from '../support/golden.ts';
import { tryCompile } from './compiled.ts';
import { pretendedHost } from './pretended-host.ts';

interface Kernel extends Partial<KernelFacts> {
  readonly release: string;
  readonly threadsNamed?: boolean;
}

const OLD = { waitKillable: false, perUserNamespaceProcessCount: false, threadsNamed: false };
const RESTRICTED = 'id_map gives EPERM';
const NO_LISTENER = 'listener gives EINVAL';
const NO_DESCRIPTORS = 'addfd gives EINVAL';
/** kernel.yama.ptrace_scope = 2: nobody without CAP_SYS_PTRACE attaches. */
const YAMA = { release: '6.18.0', memoryProblem: 'mem gives EACCES' };

/** Each lacks what came later (seccomp_unotify(2), landlock(7), user_namespaces(7)); nothing else is pretended. */
const KERNELS: Readonly<Record<string, Kernel>> = {
  '4.19-no-listener': { release: '4.19.0', landlockAbi: 0, notifyProblem: NO_LISTENER, ...OLD },
  '5.8-no-descriptors': { release: '5.8.0', landlockAbi: 0, notifyProblem: NO_DESCRIPTORS, ...OLD },
  '5.10-no-landlock': { release: '5.10.0', landlockAbi: 0, ...OLD },
  '5.13-landlock-1': { release: '5.13.0', landlockAbi: 1, ...OLD },
  '5.15-process-count': { release: '5.15.0', landlockAbi: 1, ...OLD, perUserNamespaceProcessCount: true },
  '6.1-landlock-2': { release: '6.1.0', landlockAbi: 2, threadsNamed: false },
  '6.6-landlock-3': { release: '6.6.0', landlockAbi: 3, threadsNamed: false },
  '6.8-landlock-4': { release: '6.8.0', landlockAbi: 4, threadsNamed: false },
  '6.11-landlock-5': { release: '6.11.0', landlockAbi: 5 },
  '6.12-landlock-6': { release: '6.12.0', landlockAbi: 6 },
  'platform-5.13': { release: '5.13.0', landlockAbi: 1, namespacesProblem: RESTRICTED, ...OLD },
  'platform-6.1': { release: '6.1.0', landlockAbi: 2, namespacesProblem: RESTRICTED, threadsNamed: false },
  'platform-no-landlock': { release: '6.1.0', landlockAbi: 0, namespacesProblem: RESTRICTED },
  'platform-container': {
    release: '6.12.0',
    landlockAbi: 6,
    namespacesProblem: RESTRICTED,
    initialPidNamespace: false,
    outerFilters: { count: 1, refused: ['unshare(CLONE_NEWUSER)', 'pidfd_getfd'] },
  },
  'yama-2': YAMA,
  'platform-yama-2': { ...YAMA, namespacesProblem: RESTRICTED },
  'no-user-namespaces': { release: '6.12.0', landlockAbi: 6, namespacesProblem: RESTRICTED },
};

const text = readFileSync('examples/claude-code.yaml', 'utf8');
const POLICIES = {
  best_effort: text,
  hard_requirement: text
    .replace(/^landlock:.*\n(?: {2}.*\n)*/m, '')
    .concat('landlock: {compatibility: hard_requirement}\n'),
};

describe.each(Object.entries(KERNELS))('a host with %s', (name, { threadsNamed = true, ...kernel }) => {
  const facts = pretendedHost({ kernel });

  it('has its golden page: report, refusals, Landlock and what doctor says', () => {
    const pages = Object.entries(POLICIES).map(([compatibility, policy]) => {
      const { plan, problems } = tryCompile(policy, { facts, file: 'policy.yaml' });
      const lines =
        plan === null
          ? problems.map(({ message, hint }) => `refused: ${message}${hint === null ? '' : ` (${hint})`}`)
          : planSections(plan, false)
              .filter(([title]) => title === 'layers' || title === 'landlock')
              .flatMap(([title, rows]) => [`[${title}]`, ...rows.map((row) => row.text)]);
      return `## ${compatibility}\n\n\`\`\`\n${lines.join('\n')}\n\`\`\``;
    });
    const doctor = kernelFindings(
      facts.kernel,
      threadsNamed,
      '/opt/openshell/launcher/bin/openshell-launcher',
    )
      .filter(({ state }) => state !== 'ok')
      .map(
        ({ name: what, state, detail, remedy }) => `${state.padEnd(7)} ${what}: ${detail}\n        ${remedy}`,
      );
    const said = `## doctor\n\n\`\`\`\n${doctor.join('\n')}\n\`\`\``;
    expectGolden(`kernels/${name}.md`, `${[`# ${name}`, ...pages, said].join('\n\n')}\n`);
  });

  it('runs nothing with a required layer missing unless that is accepted, and then says so', () => {
    for (const policy of Object.values(POLICIES)) {
      const { plan } = tryCompile(policy, { facts });
      const missing = plan?.report.filter(({ required, state }) => required && state === 'off') ?? [];
      expect(missing).toEqual([]);
    }
  });
});
