/** Text of a file of routes to checked routes, or to everything that is wrong with it. */
import type { Issue } from '../../base/source.ts';
import { deepFreeze } from '../freeze.ts';
import { Issues } from '../issues.ts';
import { readNode } from '../reader.ts';
import { parseSyntax } from '../syntax.ts';
import { checkRoute } from './check-route.ts';
import { checkTogether } from './check-together.ts';
import type { InferenceRoutes } from './routes.ts';
import { ROUTES } from './schema.ts';

export interface ParsedRoutes {
  /** Frozen; null when any issue is an error. */
  readonly routes: InferenceRoutes | null;
  /** By position. None repeats a value of a key that may hold a secret. */
  readonly issues: readonly Issue[];
}

const WORDS = { name: 'file of routes', begin: 'routes:' } as const;

/** Never throws on any text. The bounds are those of a policy (`POLICY_LIMITS`). */
export function parseRoutes(text: string): ParsedRoutes {
  const issues = new Issues();
  const tree = parseSyntax(text, issues, WORDS);
  const read = tree === null ? undefined : readNode(ROUTES, tree, '', issues);
  const routes = (read?.value.fields.routes?.value ?? []).flatMap((one) => checkRoute(one, issues) ?? []);
  if (!issues.hasErrors) checkTogether(routes, issues);
  return {
    routes: issues.hasErrors ? null : deepFreeze({ routes }),
    issues: deepFreeze(issues.sorted()),
  };
}
