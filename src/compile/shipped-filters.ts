/** The filters that most runs need: compiled when the package is built, since that takes longer than all the rest. */
import type { Arch } from '../kernel/arch.ts';
import type { NetworkMode } from '../plan/plan.ts';
import type { SeccompInput } from './seccomp-clause.ts';

/** The oldest ABI from which on the filter is the same (Landlock scopes hold signals). */
const SAME_FROM_ABI = 6;

/** The input of the filter that is shipped for an architecture and a network mode. */
export const shippedInput = (arch: Arch, network: NetworkMode): SeccompInput => ({
  arch,
  tier: 'namespaces',
  network,
  netlink: { mode: 'enumerate', line: null },
  datagrams: false,
  relaxations: [],
  landlockAbi: 7,
  refusalErrno: null,
});

/** Name of the shipped filter that answers an input, or null when it has to be compiled. */
export function shippedFilter(input: SeccompInput): string | null {
  const { arch, network, landlockAbi } = input;
  if (landlockAbi < SAME_FROM_ABI) return null;
  const same = JSON.stringify({ ...input, landlockAbi: 7 }) === JSON.stringify(shippedInput(arch, network));
  return same ? `${arch}-${network}` : null;
}
