/** inference.local: takes requests that were decrypted, makes calls of those that are, and refuses the rest. */
import type { Pool } from 'undici';
import type { Draft } from '../event/event.ts';
import type { ClientExchange } from '../http/inspected/client-exchange.ts';
import { HeldBytes } from '../http/inspected/content.ts';
import type { InferenceCaller, InferenceHandler } from '../http/inspected/inference-handler.ts';
import { Mask } from '../inject/mask.ts';
import { CREDENTIAL_LIMITS } from '../inject/provider.ts';
import type { InferenceRoute } from '../policy/routes/routes.ts';
import { Budgets } from './budgets.ts';
import { chooseRoutes, namesOf, type RouteProblem } from './choose-route.ts';
import { Exchange, shownModel } from './exchange.ts';
import type { GivenRoutes } from './given.ts';
import { INFERENCE_LIMITS, type InferenceLimits } from './limits.ts';
import { type CallContext, makeCall } from './make-call.ts';
import { listModels, modelsBody } from './models.ts';
import { type ProviderNetwork, providerPool } from './provider-connection.ts';
import { readBody } from './read-body.ts';
import { type CallHead, readHead } from './read-call.ts';

export interface InferenceOptions extends GivenRoutes {
  readonly network: ProviderNetwork;
  readonly emit: (draft: Draft) => void;
  readonly limits?: Partial<InferenceLimits>;
}

export const createInferenceRouter = (options: InferenceOptions): InferenceHandler => new Router(options);

class Router implements InferenceHandler {
  readonly #options: InferenceOptions;
  readonly #limits: InferenceLimits;
  readonly #held: HeldBytes;
  readonly #pools = new Map<string, Pool>();
  readonly #context: CallContext;
  readonly #closing = new AbortController();
  #calls = 0;

  constructor(options: InferenceOptions) {
    this.#options = options;
    this.#limits = { ...INFERENCE_LIMITS, ...options.limits };
    this.#held = new HeldBytes({
      heldBytes: this.#limits.heldCallBytes,
      bodyMs: this.#limits.callBodyMs,
    });
    // Shorter ones are words that answers hold by chance.
    const secrets = [...options.secrets.values()].filter(
      ({ length }) => length >= CREDENTIAL_LIMITS.shortestValue,
    );
    this.#context = {
      budgets: new Budgets(),
      limits: this.#limits,
      poolOf: (route) => this.#poolOf(route),
      secretOf: ({ name }) => options.secrets.get(name) ?? null,
      mask: new Mask(secrets.map((secret) => ({ secret, placeholder: null }))),
    };
  }

  async handle(client: ClientExchange, caller: InferenceCaller): Promise<void> {
    const exchange = new Exchange(this.#options.emit, client, caller);
    const head = readHead(client);
    if (!head.ok) return void exchange.refuse(head.error.kind, head.error.reason);
    exchange.protocol = head.value.pattern.protocol;
    if (head.value.pattern.protocol === 'model_discovery')
      return void this.#answerModels(exchange, head.value);
    if (this.#calls >= this.#limits.calls)
      return void exchange.refuse('too_many_calls', `${this.#limits.calls} calls are open`);
    this.#calls += 1;
    try {
      await this.#call(exchange, client, head.value);
    } finally {
      this.#calls -= 1;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  #answerModels(exchange: Exchange, { pattern }: CallHead): void {
    const models = listModels(this.#options.routes);
    if (pattern.model === null) return void exchange.answerJson(modelsBody(models));
    const model = models.find(({ id }) => id === pattern.model);
    exchange.model = pattern.model;
    if (model === undefined)
      return void exchange.refuse('unknown_model', ...this.#why('model', pattern.model));
    exchange.answerJson(model);
  }

  async #call(exchange: Exchange, client: ClientExchange, head: CallHead): Promise<void> {
    if (client.expectsContinue) client.sendContinue();
    const { body, release } = await readBody(client, this.#held, this.#limits);
    try {
      if (!body.ok) return void exchange.refuseBody(body.error);
      const model = head.pattern.model ?? body.value.model;
      exchange.model = model;
      const routes = chooseRoutes(this.#options.routes, head.pattern.protocol, model);
      if (!routes.ok) {
        const kind = routes.error === 'model' ? 'unknown_model' : 'no_compatible_route';
        return void exchange.refuse(kind, ...this.#why(routes.error, model));
      }
      const call = { ...head, body: body.value };
      const gone = AbortSignal.any([exchange.client.left, this.#closing.signal]);
      exchange.end(await makeCall(this.#context, call, routes.value, exchange.client, gone));
    } finally {
      release();
    }
  }

  #poolOf(route: InferenceRoute): Pool {
    const pool = this.#pools.get(route.name) ?? providerPool(route, this.#options.network, this.#limits);
    this.#pools.set(route.name, pool);
    return pool;
  }

  /** Why no route answers, and what to do. */
  #why(problem: RouteProblem, model: string | null): [reason: string, nextSteps: string[]] {
    const names = [...new Set(this.#options.routes.routes.flatMap(namesOf))];
    const known = `models here: ${names.slice(0, 16).join(', ')}${names.length > 16 ? ', …' : ''}`;
    switch (problem) {
      case 'protocol':
        return [
          'no route speaks the protocol of this call',
          ['add the protocol to a route of the file that --inference names'],
        ];
      case 'model':
        return [
          `no route answers for the model ${JSON.stringify(shownModel(model))}`,
          [`ask for one of the ${known}`],
        ];
      case 'no_model':
        return ['the call names no model', [`name one of the ${known}`]];
    }
  }
}
