/** Takes a later text of the policy into use, as one generation. A text that is no policy changes nothing, or ends all. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { err, ok, type Result } from '../base/result.ts';
import { renderIssue } from '../base/source.ts';
import type { OperatorRequest } from '../compile/input.ts';
import { compileNext, type NextGeneration, quarantined } from '../compile/next-generation.ts';
import { directoryWithinReach } from '../compile/within-reach.ts';
import type { Draft, Reason } from '../event/event.ts';
import type { EgressTable, Plan } from '../plan/plan.ts';
import { parsePolicy } from '../policy/check.ts';
import type { Policy } from '../policy/policy.ts';
import { callerFacts } from '../probe/caller.ts';
import { lookAt } from '../probe/paths.ts';
import type { Ended } from './mediation.ts';
import { type PolicyFile, readPolicyFile } from './policy-file.ts';
import { renderProblem } from './prepare-anew.ts';

/** Until there is a good policy again: `keep` goes on by the last one, `quarantine` lets nothing out. */
export type OnBadPolicy = 'keep' | 'quarantine';

export interface ReloadInput {
  /** As it was when the sandbox started. */
  readonly policy: PolicyFile;
  readonly operator: OperatorRequest;
  readonly workdir: string;
  readonly onBadPolicy: OnBadPolicy;
}

export interface ReloaderOptions extends ReloadInput {
  readonly plan: Plan;
  /** Puts another table in the place of the one that holds. */
  readonly use: (egress: EgressTable) => Promise<Ended>;
  readonly emit: (draft: Draft) => void;
  /** For people: `news` is what `--quiet` leaves out. */
  readonly tell: (line: string, kind: 'news' | 'problem') => void;
}

export type ReloadResult = 'applied' | 'unchanged' | 'kept' | 'quarantined';

export interface ReloadOutcome extends Ended {
  readonly result: ReloadResult;
  /** Of the policy that holds now; the one of the start is 1. */
  readonly generation: number;
  /** What differs from the start and waits for the next. */
  readonly pending: readonly string[];
  /** Lines about the policy: why it is none, or what is odd about it. */
  readonly messages: readonly string[];
}

interface Next extends NextGeneration {
  readonly warnings: readonly string[];
}

interface Candidate {
  readonly text: string;
  /** Null: it is the text that holds. */
  readonly next: Next | null;
}

interface Unusable {
  readonly messages: readonly string[];
  /** Tells one from another. */
  readonly what: string;
}

const SETTLE_MS = 300;
const LOOKS = 5;

const NOTHING: Ended = { closed: 0, killed: 0, surviving: 0 };

export class PolicyReloader {
  readonly #options: ReloaderOptions;
  readonly #path: string;
  #turn: Promise<unknown> = Promise.resolve();
  #generation = 1;
  /** The text that holds; null: none, since nothing is let out. */
  #text: string | null;
  /** The last one that was refused, so that it is told of once. */
  #refused: string | null = null;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#path = options.policy.path!;
    this.#text = options.policy.text;
  }

  get state(): { readonly generation: number; readonly quarantined: boolean } {
    return { generation: this.#generation, quarantined: this.#text === null };
  }

  /** Reads the file, once, and uses it. One after the other, however often it is called. */
  reload(): Promise<ReloadOutcome> {
    const outcome = this.#turn.then(() => this.#reload());
    this.#turn = outcome.catch(() => {});
    return outcome;
  }

  async #reload(): Promise<ReloadOutcome> {
    let candidate = this.#read();
    // What is no policy may be one that is being written.
    for (let look = 0; look < LOOKS && !candidate.ok; look += 1) {
      await sleep(SETTLE_MS);
      const before = candidate.error.what;
      candidate = this.#read();
      if (!candidate.ok && candidate.error.what === before) break;
    }
    if (!candidate.ok) return this.#refuse(candidate.error.messages, candidate.error.what);
    const { text, next } = candidate.value;
    if (next !== null) return this.#apply(text, next);
    this.#refused = null;
    return { ...NOTHING, result: 'unchanged', generation: this.#generation, pending: [], messages: [] };
  }

  /** Reads the file once: what is judged is what would be used. */
  #read(): Result<Candidate, Unusable> {
    const { plan, policy } = this.#options;
    const reach = reachProblem(plan, this.#path);
    const file = reach === null ? readPolicyFile(this.#path) : err(reach);
    if (!file.ok) return err({ messages: [`openshell: ${file.error}`], what: file.error });
    const { text } = file.value;
    if (text === this.#text) return ok({ text, next: null });
    const next = this.#compile({ ...policy, text });
    return next.ok ? ok({ text, next: next.value }) : err({ messages: next.error, what: text });
  }

  #compile(file: PolicyFile): Result<Next, readonly string[]> {
    const { policy, issues } = parsePolicy(file.text);
    const rendered = (wanted: string): string[] =>
      issues
        .filter(({ severity }) => severity === wanted)
        .map((issue) => renderIssue(issue, file.name, file.text));
    if (policy === null) return err(rendered('error'));
    const { plan: running, operator, workdir, policy: start } = this.#options;
    const began = parsePolicy(start.text).policy!; // the sandbox runs by it
    const paths = lookAt(binariesOf(policy)).facts;
    const facts = { paths, caller: callerFacts(workdir) };
    const compiled = compileNext({ running, began, next: policy, operator, facts });
    if (!compiled.ok) return err(compiled.error.map((problem) => renderProblem(problem, file.name)));
    return ok({ ...compiled.value, warnings: rendered('warning') });
  }

  async #apply(text: string, { egress, pending, warnings }: Next): Promise<ReloadOutcome> {
    const ended = await this.#options.use(egress);
    this.#generation += 1;
    this.#text = text;
    this.#refused = null;
    this.#emit('policy_reloaded', text, ended, pending);
    for (const line of warnings) this.#options.tell(line, 'news');
    this.#options.tell(
      `openshell: the policy was read again: generation ${this.#generation}${describe(ended)}`,
      'news',
    );
    if (pending.length > 0)
      this.#options.tell(
        `openshell: warning: what changed in ${pending.join(', ')} takes effect at the next start`,
        'problem',
      );
    return { ...ended, result: 'applied', generation: this.#generation, pending, messages: warnings };
  }

  async #refuse(messages: readonly string[], what: string): Promise<ReloadOutcome> {
    const known = this.#refused === what;
    this.#refused = what;
    const quarantine = this.#options.onBadPolicy === 'quarantine';
    const newly = quarantine && this.#text !== null;
    let ended = NOTHING;
    if (newly) {
      ended = await this.#options.use(quarantined(this.#options.plan.egress));
      this.#generation += 1;
      this.#text = null;
    }
    if (newly || !known) {
      this.#emit(quarantine ? 'policy_quarantined' : 'policy_invalid', null, ended, []);
      for (const line of messages) this.#options.tell(line, 'problem');
      this.#options.tell(
        quarantine
          ? `openshell: nothing can be reached until the policy is valid again${describe(ended)}`
          : 'openshell: the policy was not taken; the one before it holds',
        'problem',
      );
    }
    const result = quarantine ? 'quarantined' : 'kept';
    return { ...ended, result, generation: this.#generation, pending: [], messages };
  }

  #emit(
    reason: Reason,
    text: string | null,
    { closed, killed, surviving }: Ended,
    pending: readonly string[],
  ): void {
    const { policy, emit } = this.#options;
    emit({
      type: 'reload',
      layer: 'session',
      action: reason === 'policy_reloaded' ? 'allow' : 'deny',
      reason,
      rule: null,
      subject: {
        kind: 'policy',
        file: policy.name,
        sha256: text === null ? null : createHash('sha256').update(text).digest('hex'),
        generation: this.#generation,
        closed,
        killed,
        surviving,
        pending,
      },
      process: null,
      count: 1,
    });
  }
}

/** Why a policy at this path must not be read again, or null. A clause. */
export function reachProblem(plan: Plan, path: string): string | null {
  const fact = lookAt([path]).facts.byPath.get(path)!;
  const directory = directoryWithinReach(plan, fact);
  return directory === null
    ? null
    : `the policy ${path} is not read again while a program runs that may write in ${directory}: it could put its own in that place; keep the policy outside of the writable directories`;
}

const plural = (connections: number): string => `${connections} connection${connections === 1 ? '' : 's'}`;

const binariesOf = ({ network }: Policy): string[] =>
  network
    .flatMap(({ binaries }) => binaries.map(({ path }) => path))
    .filter((path) => path.startsWith('/') && !/[*?[{]/.test(path));

const describe = ({ closed, killed, surviving }: Ended): string => {
  const connections = `${plural(closed)} closed`;
  if (surviving > 0) return `; ${plural(surviving)} could not be closed, so the sandbox was ended`;
  if (killed > 0) return `, ${connections}, ${killed} process${killed === 1 ? '' : 'es'} ended with theirs`;
  return closed === 0 ? '' : `, ${connections}`;
};
