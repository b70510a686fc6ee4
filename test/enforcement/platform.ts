/** The `platform` tier, for tests of what it has to hold without namespaces. */
import { isRoot } from '../support/product.ts';
import { unavailable } from './workplace.ts';

/** Why its tests cannot run here, or null. Root has no need of it, and would not be stopped by what stops a user. */
export const platformUnavailable: string | null = unavailable ?? (isRoot ? 'root is no ordinary user' : null);
