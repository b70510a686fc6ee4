/** What `--inference` comes to: routes, and the secrets that they name. */
import type { InferenceRoutes } from '../policy/routes/routes.ts';

export interface GivenRoutes {
  readonly routes: InferenceRoutes;
  /** By the name of the route; none for routes without a credential. */
  readonly secrets: ReadonlyMap<string, string>;
}
