/** Where the suite runs, and as whom: a row of docs/enforcement-matrix.md each. */
import type { Tier } from '../../src/plan/plan.ts';
import { isRootRole } from '../support/product.ts';
import { platformUnavailable } from './platform.ts';
import { unavailable } from './workplace.ts';

export interface Place {
  readonly name: string;
  readonly tier: Tier;
  /** Why it is none on this machine, or for whoever runs the tests; or null. */
  readonly unavailable: string | null;
}

export const PLACE_NAMES = ['namespaces, as a user', 'namespaces, as root', 'platform, as a user'] as const;

const named = (
  name: (typeof PLACE_NAMES)[number],
  tier: Tier,
  problem: string | null = unavailable,
): Place => ({
  name,
  tier,
  unavailable: problem,
});

export const NAMESPACES: Place = named(
  isRootRole ? 'namespaces, as root' : 'namespaces, as a user',
  'namespaces',
);
export const PLATFORM: Place = named('platform, as a user', 'platform', platformUnavailable);
