/** Routes for tests, from the items of their list. */
import { parseRoutes } from '../../src/policy/routes/check.ts';
import type { InferenceRoutes } from '../../src/policy/routes/routes.ts';

export function routesOf(items: string): InferenceRoutes {
  const { routes, issues } = parseRoutes(`routes:\n${items.replace(/^\n/, '')}`);
  if (routes === null) throw new Error(JSON.stringify(issues));
  return routes;
}
