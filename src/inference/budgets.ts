/** How many tokens each route has left in one sandbox. */
import type { InferenceRoute } from '../policy/routes/routes.ts';
import type { Tokens } from './usage.ts';

export class Budgets {
  readonly #used = new Map<string, number>();

  usedBy({ name }: InferenceRoute): number {
    return this.#used.get(name) ?? 0;
  }

  /** A call that begins below the bound is finished, so that the last one may go beyond it. */
  allows(route: InferenceRoute): boolean {
    return route.budgetTokens === null || this.usedBy(route) < route.budgetTokens;
  }

  charge(route: InferenceRoute, { input, output }: Tokens): void {
    this.#used.set(route.name, this.usedBy(route) + input + output);
  }
}
