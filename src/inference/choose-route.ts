/** Which routes answer a call, in the order in which they are asked. */
import { err, ok, type Result } from '../base/result.ts';
import type { InferenceProtocol, InferenceRoute, InferenceRoutes } from '../policy/routes/routes.ts';

/** No route speaks the protocol, none has the model, or the call names no model and no route takes any. */
export type RouteProblem = 'protocol' | 'model' | 'no_model';

/**
 * A route that has the model by its name or an alias answers; else the first that takes any name. What it lists under
 * `failover` follows, as far as it speaks the protocol. @param model null: the call names none
 */
export function chooseRoutes(
  { routes }: InferenceRoutes,
  protocol: InferenceProtocol,
  model: string | null,
): Result<readonly [InferenceRoute, ...InferenceRoute[]], RouteProblem> {
  const speaking = routes.filter(({ protocols }) => protocols.includes(protocol));
  if (speaking.length === 0) return err('protocol');
  const named = model === null ? undefined : speaking.find((route) => namesOf(route).includes(model));
  const first = named ?? speaking.find(({ aliases }) => aliases === null);
  if (first === undefined) return err(model === null ? 'no_model' : 'model');
  const others = first.failover.flatMap((name) => speaking.find((route) => route.name === name) ?? []);
  return ok([first, ...others]);
}

/** What a client may call the model of a route. */
export const namesOf = ({ model, aliases }: InferenceRoute): readonly string[] => [...(aliases ?? []), model];
