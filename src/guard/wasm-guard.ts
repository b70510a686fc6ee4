/**
 * A compiled guardrail in a thread of its own: one that does not end, or takes too much memory, is ended with its thread,
 * and what was asked is refused.
 */
import { Worker } from 'node:worker_threads';
import { err, ok, type Result } from '../base/result.ts';
import { clipped } from './answer.ts';
import type { CompiledGuardrail } from './bundle.ts';
import { failed, type Guard, type GuardAnswer, type GuardInput } from './guard.ts';
import { GUARD_LIMITS, type GuardLimits } from './limits.ts';

export interface WorkerStart extends CompiledGuardrail {
  /** Null: the only one. */
  readonly entrypoint: string | null;
  readonly memoryPages: number;
}

export interface ToWorker {
  readonly id: number;
  /** JSON. */
  readonly input: string;
}

export type FromWorker =
  | { readonly kind: 'ready'; readonly entrypoints: readonly string[] }
  | { readonly kind: 'unusable'; readonly detail: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: GuardAnswer };

export interface WasmGuardOptions {
  readonly guardrail: CompiledGuardrail;
  /** As `package/rule`; null: there is one only. */
  readonly entrypoint: string | null;
  /** The bundle that the thread runs. */
  readonly workerFile: string;
  readonly limits?: Partial<GuardLimits>;
}

interface Question {
  readonly input: string;
  readonly answer: (answer: GuardAnswer) => void;
}

/** Threads have a heap of their own, in MiB; the guardrail's memory is not in it. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 } as const;

/** Errors are clauses. */
export async function openWasmGuard(options: WasmGuardOptions): Promise<Result<Guard, string>> {
  const guard = new WasmGuard(options);
  const problem = await guard.start();
  if (problem === null) return ok(guard);
  await guard.close();
  return err(problem);
}

class WasmGuard implements Guard {
  readonly #options: WasmGuardOptions;
  readonly #limits: GuardLimits;
  readonly #waiting: Question[] = [];
  #entrypoint: string | null;
  #worker: Worker | null = null;
  #current: Question | null = null;
  #timer: NodeJS.Timeout | undefined;
  #asked = 0;
  #closed = false;

  constructor(options: WasmGuardOptions) {
    this.#options = options;
    this.#entrypoint = options.entrypoint;
    this.#limits = { ...GUARD_LIMITS, ...options.limits };
  }

  /** Loads it. Null, or why it cannot be used. */
  async start(): Promise<string | null> {
    const entrypoints = await this.#load();
    if (!entrypoints.ok) return entrypoints.error;
    const listed = entrypoints.value.map((name) => `\`${name}\``).join(', ');
    if (this.#entrypoint === null) {
      if (entrypoints.value.length !== 1) return `has several rules: name one of ${listed} behind a \`#\``;
      this.#entrypoint = entrypoints.value[0]!;
    } else if (!entrypoints.value.includes(this.#entrypoint))
      return `has no rule \`${this.#entrypoint}\`: it has ${listed}`;
    return null;
  }

  evaluate(input: GuardInput): Promise<GuardAnswer> {
    const text = JSON.stringify(input);
    if (this.#closed) return Promise.resolve(failed('the sandbox ends'));
    // In UTF-8 a character takes three bytes at most.
    if (text.length * 3 > this.#limits.inputBytes && Buffer.byteLength(text) > this.#limits.inputBytes)
      return Promise.resolve(failed('what the guardrail is asked about is too large'));
    if (this.#waiting.length >= this.#limits.waiting)
      return Promise.resolve(failed('too many questions wait for the guardrail'));
    return new Promise((answer) => {
      this.#waiting.push({ input: text, answer });
      void this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#settle(failed('the sandbox ends'));
    for (const { answer } of this.#waiting.splice(0)) answer(failed('the sandbox ends'));
    this.#worker = null;
    await worker?.terminate();
  }

  /** One at a time: who has waited too long is known. */
  async #next(): Promise<void> {
    if (this.#current !== null || this.#closed) return;
    const question = this.#waiting.shift();
    if (question === undefined) return;
    this.#current = question;
    const loaded = this.#worker === null ? await this.#load() : ok([]);
    // It was closed meanwhile.
    if (this.#current !== question) return;
    if (!loaded.ok) return this.#settle(failed(`the guardrail ${loaded.error}`));
    this.#asked += 1;
    this.#worker!.postMessage({ id: this.#asked, input: question.input } satisfies ToWorker);
    this.#timer = setTimeout(() => this.#late(question), this.#limits.evaluationMs);
  }

  /** Its answer may lie here already, unread: we may have been held up ourselves. */
  #late(question: Question): void {
    setImmediate(() => {
      if (this.#current === question) this.#give(`took longer than ${this.#limits.evaluationMs} ms`);
    });
  }

  /** Ends the thread, and with it what it does. */
  #give(up: string): void {
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
    this.#settle(failed(`the guardrail ${up}`));
  }

  #settle(answer: GuardAnswer): void {
    clearTimeout(this.#timer);
    const question = this.#current;
    this.#current = null;
    question?.answer(answer);
    void this.#next();
  }

  #load(): Promise<Result<readonly string[], string>> {
    const { guardrail, workerFile } = this.#options;
    const { memoryPages, startMs } = this.#limits;
    const workerData: WorkerStart = { ...guardrail, entrypoint: this.#entrypoint, memoryPages };
    return new Promise((resolve) => {
      const worker = new Worker(workerFile, {
        workerData,
        env: {},
        argv: [],
        execArgv: [],
        stdout: true,
        stderr: true,
        resourceLimits: HEAP,
      });
      this.#worker = worker;
      worker.unref();
      // What a guardrail prints is nobody's.
      worker.stdout.resume();
      worker.stderr.resume();
      const timer = setTimeout(() => end(`was not loaded within ${startMs} ms`), startMs);
      const end = (why: string): void => {
        clearTimeout(timer);
        resolve(err(why));
        if (this.#worker !== worker) return;
        this.#give(why);
      };
      worker.on('message', (message: FromWorker) => {
        if (this.#worker !== worker) return;
        if (message.kind === 'answer') {
          if (message.id === this.#asked) this.#settle(message.answer);
          return;
        }
        if (message.kind === 'unusable') return end(`cannot be loaded: ${clipped(message.detail)}`);
        clearTimeout(timer);
        resolve(ok(message.entrypoints));
      });
      worker.on('error', ({ code, message }: NodeJS.ErrnoException) =>
        end(
          code === 'ERR_WORKER_OUT_OF_MEMORY'
            ? 'needs more memory than it may have'
            : `failed: ${clipped(message)}`,
        ),
      );
      worker.on('exit', () => end('ended'));
    });
  }
}
