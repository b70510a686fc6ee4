/** One request to inference.local, its answer, and the one event that tells of both. */
import type { Draft, Reason, Subject } from '../event/event.ts';
import {
  INFERENCE_REFUSALS,
  type InferenceRefusalKind,
  inferenceRefusal,
} from '../event/inference-refusal.ts';
import type { Refusal } from '../event/refusal.ts';
import type { ClientExchange } from '../http/inspected/client-exchange.ts';
import type { InferenceCaller } from '../http/inspected/inference-handler.ts';
import { ClientStream } from './client-stream.ts';
import type { CallEnd } from './make-call.ts';
import type { BodyProblem } from './read-body.ts';
import type { CallHead } from './read-call.ts';
import { sendBudgetRefusal, sendJson, sendRefusal } from './refuse.ts';

type CallSubject = Extract<Subject, { kind: 'inference' }>;

const MAX_MODEL = 256;

export class Exchange {
  readonly client: ClientStream;
  readonly #head: Pick<ClientExchange, 'method' | 'target'>;
  readonly #emit: (draft: Draft) => void;
  readonly #caller: InferenceCaller;
  readonly #since = performance.now();
  protocol: CallHead['pattern']['protocol'] | null = null;
  model: string | null = null;

  constructor(emit: (draft: Draft) => void, client: ClientExchange, caller: InferenceCaller) {
    this.#emit = emit;
    this.#head = client;
    this.client = new ClientStream(client);
    this.#caller = caller;
  }

  refuse(
    kind: InferenceRefusalKind,
    reason: string,
    nextSteps: string[] = [],
    route: string | null = null,
  ): void {
    const { status, reason: code } = INFERENCE_REFUSALS[kind];
    this.#tell('deny', code, { route, status });
    sendRefusal(this.client, kind, this.#refusal(kind, reason, nextSteps));
  }

  refuseBody(problem: BodyProblem): void {
    if (problem.kind === 'gone') this.#tell('allow', 'allowed', { status: null });
    else if (problem.kind === 'malformed') this.refuse('malformed', problem.reason);
    else this.refuse(problem.kind, INFERENCE_REFUSALS[problem.kind].meaning);
  }

  answerJson(body: unknown): void {
    this.#tell('allow', 'allowed', { status: 200 });
    sendJson(this.client, body);
  }

  end(end: CallEnd): void {
    const route = end.route.name;
    switch (end.kind) {
      case 'answered':
      case 'gone':
        this.#tell('allow', 'allowed', { route, status: end.status, tokens: end.tokens });
        return;
      case 'failed': {
        const kind = end.problem.kind === 'bad_answer' ? 'bad_answer' : 'unavailable';
        const { status, reason } = INFERENCE_REFUSALS[kind];
        this.#tell('allow', reason, { route, status, tokens: end.tokens });
        const why = `the provider of the route ${route}: ${end.problem.detail}`;
        sendRefusal(this.client, kind, this.#refusal(kind, why, []));
        return;
      }
      case 'exhausted': {
        this.#tell('deny', 'budget_exhausted', { route, status: INFERENCE_REFUSALS.budget_exhausted.status });
        const message = `The budget of ${end.route.budgetTokens} tokens of the route ${route} is used up in this sandbox (${INFERENCE_REFUSALS.budget_exhausted.code}).`;
        sendBudgetRefusal(this.client, this.protocol!, message);
        return;
      }
    }
  }

  #refusal(kind: InferenceRefusalKind, reason: string, nextSteps: readonly string[]): Refusal {
    const binary = this.#caller.process?.exe ?? null;
    return inferenceRefusal({ kind, reason, method: this.#method(), path: this.#path(), binary, nextSteps });
  }

  #tell(
    action: 'allow' | 'deny',
    reason: Reason,
    facts: Partial<Pick<CallSubject, 'route' | 'status' | 'tokens'>>,
  ): void {
    this.#emit({
      type: action === 'deny' ? 'denial' : 'decision',
      layer: 'inference',
      action,
      reason,
      rule: null,
      subject: {
        kind: 'inference',
        method: this.#method(),
        path: this.#path(),
        protocol: this.protocol,
        model: shownModel(this.model),
        route: null,
        status: null,
        tokens: null,
        // Equal refusals share an event.
        ms: action === 'deny' ? 0 : Math.round(performance.now() - this.#since),
        ...facts,
      },
      process: this.#caller.process,
      count: 1,
    });
  }

  #method(): string {
    return this.#head.method.slice(0, 32);
  }

  #path(): string {
    return this.#head.target.split(/[?#]/, 1)[0]!.slice(0, 1024);
  }
}

export const shownModel = (model: string | null): string | null => model?.slice(0, MAX_MODEL) ?? null;
