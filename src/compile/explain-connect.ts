/** Whether a plan lets a program reach a host and port, by name: addresses are judged when they are dialled. */
import { err, ok, type Result } from '../base/result.ts';
import { decide, decideForAny } from '../match/decide.ts';
import { buildIndex } from '../match/egress-index.ts';
import { normaliseHost } from '../match/host.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import type { Candidate, RuleReference, Verdict } from '../match/verdict.ts';
import { servesInference } from '../plan/inference.ts';
import type { EgressTable, Transport } from '../plan/plan.ts';

export interface ConnectVerdict {
  readonly verdict: 'allow' | 'deny';
  readonly rule: RuleReference | null;
  /** A clause. */
  readonly why: string;
}

/** `binary` null: whatever program some policy names. Its content is not looked at: a pinned hash is taken as met. */
export function explainConnect(
  table: EgressTable,
  host: string,
  port: number,
  binary: string | null,
): Result<ConnectVerdict, string> {
  if (table.mode === 'allow')
    return ok({ verdict: 'allow', rule: null, why: "`--network allow`: the host's network is not mediated" });
  const parsed = normaliseHost(host);
  if (!parsed.ok) return err(`the host ${parsed.error}`);
  const destination = { host: parsed.value, port };
  if (servesInference(table, parsed.value.text, port)) {
    const why = `\`--inference\`: every program may ask its routes (${table.inference!.join(', ')}) for calls of models`;
    return ok({ verdict: 'allow', rule: null, why });
  }
  const ask = (transport: Transport): Verdict => {
    const index = buildIndex(table, transport);
    return binary === null
      ? decideForAny(index, destination)
      : decide(index, { ...destination, identity: pretendedProgram(table, binary) });
  };
  const verdict = ask('tcp');
  if (verdict.kind === 'allow') return ok(allowed(verdict.candidates[0], ''));
  const datagrams = ask('udp');
  if (datagrams.kind === 'allow') return ok(allowed(datagrams.candidates[0], ' for datagrams (UDP)'));
  const { rule, message } = datagrams.reason === 'binary_not_listed' ? datagrams : verdict;
  return ok({ verdict: 'deny', rule, why: message });
}

const allowed = ({ rule, policyName }: Candidate, how: string): ConnectVerdict => ({
  verdict: 'allow',
  rule,
  why: `network policy \`${policyName}\` lists it${how}`,
});

/** A program at this path without ancestors, with the content that the policy pins for it, if it pins any. */
export function pretendedProgram(table: EgressTable, binary: string): BinaryIdentity {
  const pin = table.policies
    .flatMap(({ binaries }) => binaries)
    .find(({ pattern, sha256 }) => pattern === binary && sha256 !== null);
  return { pid: 0, executable: { path: binary, sha256: pin?.sha256 ?? '0'.repeat(64) }, ancestors: [] };
}
