/** What an operator names as a guardrail: `FILE[#package/rule]`, or the URL of a rule at an OPA server. */
export type GuardSource =
  | { readonly kind: 'server'; readonly url: string }
  /** `entrypoint` null: the only one that the file has. */
  | { readonly kind: 'file'; readonly path: string; readonly entrypoint: string | null };

export function guardSource(text: string): GuardSource {
  if (/^https?:\/\//i.test(text)) return { kind: 'server', url: text };
  const at = text.lastIndexOf('#');
  return at < 0
    ? { kind: 'file', path: text, entrypoint: null }
    : { kind: 'file', path: text.slice(0, at), entrypoint: text.slice(at + 1) };
}
