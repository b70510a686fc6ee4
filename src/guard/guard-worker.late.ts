/** A thread that evaluates one compiled guardrail. It may be ended at any time: it keeps nothing. */
import { parentPort, workerData } from 'node:worker_threads';
import { type LoadedPolicy, loadPolicy } from '@open-policy-agent/opa-wasm';
import { clipped, readAnswer } from './answer.ts';
import { failed, type GuardAnswer } from './guard.ts';
import type { FromWorker, ToWorker, WorkerStart } from './wasm-guard.ts';

const say = (message: FromWorker): void => parentPort!.postMessage(message);

/** What it throws is often a string. */
const messageOf = (error: unknown): string =>
  typeof error === 'string' ? error : String((error as { message?: unknown } | null)?.message ?? 'it failed');

/** The types of Node have no WebAssembly. */
type Module = Parameters<typeof loadPolicy>[0];
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { compile(bytes: Uint8Array): Promise<Module> };
};

async function load(module: Module, { data, memoryPages }: WorkerStart): Promise<LoadedPolicy> {
  const policy = await loadPolicy(module, { initial: 5, maximum: memoryPages });
  policy.setData(JSON.parse(data) as object);
  return policy;
}

function evaluate(policy: LoadedPolicy, input: string, entrypoint: string | null): GuardAnswer {
  const { buffer } = new TextEncoder().encode(input);
  const results = policy.evaluate(buffer, entrypoint ?? 0) as readonly { readonly result?: unknown }[];
  return readAnswer(results[0]?.result);
}

async function start(given: WorkerStart): Promise<void> {
  const module = await WebAssembly.compile(given.wasm);
  let policy = await load(module, given);
  const entrypoints = Object.keys((policy as unknown as { entrypoints: object }).entrypoints).sort();
  parentPort!.on('message', async ({ id, input }: ToWorker) => {
    let answer: GuardAnswer;
    try {
      answer = evaluate(policy, input, given.entrypoint);
    } catch (error) {
      answer = failed(clipped(messageOf(error)));
      policy = await load(module, given); // what it was doing is in its memory
    }
    say({ kind: 'answer', id, answer });
  });
  say({ kind: 'ready', entrypoints });
}

// The build loads it as well, in no thread.
if (parentPort !== null)
  start(workerData as WorkerStart).catch((error: unknown) =>
    say({ kind: 'unusable', detail: messageOf(error) }),
  );
