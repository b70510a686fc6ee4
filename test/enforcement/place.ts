/** Where the suite runs, and as whom: a row of docs/enforcement-matrix.md each. */
import type { Tier } from '../../src/plan/plan.ts';
import { noContainers } from '../containers/runtime.ts';
import { PROFILES, type Profile } from '../containers/seccomp-profiles.ts';
import { isRoot, isRootRole } from '../support/product.ts';
import { platformUnavailable } from './platform.ts';
import { unavailable } from './workplace.ts';

export interface Place {
  readonly name: string;
  readonly tier: Tier;
  /** The seccomp profile of the restricted container, or null: on the host. */
  readonly container: Profile | null;
  /** Why it is none on this machine, or for whoever runs the tests; or null. */
  readonly unavailable: string | null;
}

export const NAMESPACES: Place = {
  name: isRootRole ? 'namespaces, as root' : 'namespaces, as a user',
  tier: 'namespaces',
  container: null,
  unavailable,
};

export const PLATFORM: Place = {
  name: 'platform, as a user',
  tier: 'platform',
  container: null,
  unavailable: platformUnavailable,
};

const contained = (profile: Profile): string => `a container, profile ${profile}`;

export const CONTAINERS: readonly Place[] = PROFILES.map((profile) => ({
  name: contained(profile),
  tier: 'platform',
  container: profile,
  unavailable:
    unavailable ?? noContainers ?? (isRoot ? 'the files of the tests are those of an ordinary user' : null),
}));

export const PLACE_NAMES: readonly string[] = [
  'namespaces, as a user',
  'namespaces, as root',
  PLATFORM.name,
  ...PROFILES.map(contained),
];
