/** From what an operator names to guardrails that can be asked. */
import { err, ok, type Result } from '../base/result.ts';
import { onOneLine } from '../base/source.ts';
import { readBundle } from './bundle.ts';
import { allOf, type Guard } from './guard.ts';
import { openServerGuard } from './server-guard.ts';
import { guardSource } from './source.ts';
import { openWasmGuard } from './wasm-guard.ts';

/** All of them, or a sentence that names the first that cannot be used. */
export async function openGuards(
  sources: readonly string[],
  workerFile: string,
): Promise<Result<Guard, string>> {
  const guards: Guard[] = [];
  for (const source of sources) {
    const opened = await openGuard(source, workerFile);
    if (!opened.ok) {
      await allOf(guards).close();
      return err(`the guardrail ${onOneLine(source)} ${opened.error}`);
    }
    guards.push(opened.value);
  }
  return ok(allOf(guards));
}

async function openGuard(text: string, workerFile: string): Promise<Result<Guard, string>> {
  const source = guardSource(text);
  if (source.kind === 'server') return openServerGuard(source.url);
  const guardrail = readBundle(source.path);
  if (!guardrail.ok) return guardrail;
  return openWasmGuard({ guardrail: guardrail.value, entrypoint: source.entrypoint, workerFile });
}
