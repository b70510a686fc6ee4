/** Which of the two ways of enforcement a plan is for. */
import type { KernelFacts } from '../plan/facts.ts';
import type { Namespaces, NetworkMode, Tier } from '../plan/plan.ts';
import { HOSTNAME } from './generated-files.ts';

export const tierFor = (
  asked: Tier | 'auto',
  { namespacesProblem }: Pick<KernelFacts, 'namespacesProblem'>,
): Tier => (asked !== 'auto' ? asked : namespacesProblem === null ? 'namespaces' : 'platform');

export const NO_NAMESPACES: Namespaces = {
  user: false,
  mount: false,
  pid: false,
  ipc: false,
  uts: false,
  cgroup: false,
  network: false,
  hostname: '',
};

export const allNamespaces = (network: NetworkMode): Namespaces => ({
  user: true,
  mount: true,
  pid: true,
  ipc: true,
  uts: true,
  cgroup: true,
  network: network !== 'allow',
  hostname: HOSTNAME,
});

/** Nobody asked for the weaker way: say so at every start. */
export function fallbackWarning(asked: Tier | 'auto', tier: Tier, facts: KernelFacts): string[] {
  if (asked !== 'auto' || tier !== 'platform') return [];
  return [
    `this host forbids namespaces (${facts.namespacesProblem}): the sandbox is held by the platform tier; \`openshell plan\` says what it lacks`,
  ];
}
