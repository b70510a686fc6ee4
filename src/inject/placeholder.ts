/**
 * Placeholders: what the workload has in the place of a credential. The form is OpenShell's stable handle,
 * `openshell:resolve:env:s<64 hexadecimal digits>_<VARIABLE>`; the digits are random for each sandbox, so what one
 * sandbox learnt is nothing in another.
 */
export interface Placeholder {
  readonly text: string;
  readonly provider: string;
  readonly variable: string;
}

/** Placeholders of one sandbox, by their text. */
export type Placeholders = ReadonlyMap<string, Placeholder>;

export const MARKER = 'openshell:resolve:env:';
/** The other spelling that OpenShell has, after a prefix that a program wants to see. None is given out here. */
export const ALIAS_MARKER = 'OPENSHELL-RESOLVE-ENV-';

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** A variable of such a name would read as a handle. */
const HANDLE_LIKE = /^(?:v\d+|s[0-9a-f]{64})_/;

export const isCredentialVariable = (name: string): boolean => VARIABLE.test(name) && !HANDLE_LIKE.test(name);

/** @param handle 64 hexadecimal digits, random, for each call */
export function issuePlaceholders(
  providers: readonly { readonly name: string; readonly values: readonly { readonly variable: string }[] }[],
  handle: () => string,
): Placeholders {
  const issued = new Map<string, Placeholder>();
  for (const { name, values } of providers) {
    for (const { variable } of values) {
      const text = `${MARKER}s${handle()}_${variable}`;
      issued.set(text, { text, provider: name, variable });
    }
  }
  return issued;
}

/** For the environment of the workload. */
export const placeholdersByVariable = (placeholders: Placeholders): Map<string, string> =>
  new Map([...placeholders.values()].map(({ variable, text }) => [variable, text]));

const MARKED = /openshell:resolve:env:|openshell-resolve-env-/i;
const TOKENS = /openshell:resolve:env:[A-Za-z0-9_]*|[A-Za-z0-9_.~-]*openshell-resolve-env-[A-Za-z0-9_]*/gi;

/** Whether something in it looks like a placeholder, whoever made it; upper and lower case are alike. */
export const isMarked = (text: string): boolean => MARKED.test(text);

/** Decoders undo an encoding twice at most; a third would be found too. */
const MAX_DECODINGS = 3;

/** The same behind percent escapes, several times over. */
export function isMarkedEncoded(text: string): boolean {
  let decoded = text;
  for (let round = 0; ; round += 1) {
    if (isMarked(decoded)) return true;
    if (round === MAX_DECODINGS || !decoded.includes('%')) return false;
    const next = decodeLeniently(decoded);
    if (next === decoded) return false;
    decoded = next;
  }
}

/** Bytes as characters: what is no escape stays. */
const decodeLeniently = (text: string): string =>
  text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

export type Substituted =
  | { readonly kind: 'text'; readonly text: string }
  /** `unknown`: it looks like a placeholder and is none. `unusable`: `encode` says why. */
  | { readonly kind: 'problem'; readonly problem: SubstitutionProblem };

export type SubstitutionProblem =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'elsewhere'; readonly placeholder: Placeholder }
  | { readonly kind: 'unavailable'; readonly detail: string };

/** The values that one request may have, by placeholder. */
export interface Values {
  /** Of the provider that is bound where the request goes. */
  readonly byPlaceholder: ReadonlyMap<string, string>;
  /** All of the sandbox. */
  readonly known: Placeholders;
}

/** Replaces every placeholder in a decoded text. `encode` gives a clause when the value cannot stand there.
    @param most characters that may come of it */
export function substitute(
  text: string,
  { byPlaceholder, known }: Values,
  encode: (value: string) => { readonly text: string } | { readonly detail: string },
  most = Number.POSITIVE_INFINITY,
): Substituted {
  let problem: SubstitutionProblem | null = null;
  let length = text.length;
  const replaced = text.replace(TOKENS, (token) => {
    if (problem !== null) return '';
    const value = byPlaceholder.get(token);
    if (value === undefined) {
      const placeholder = known.get(token);
      problem = placeholder === undefined ? { kind: 'unknown' } : { kind: 'elsewhere', placeholder };
      return '';
    }
    const encoded = encode(value);
    length += 'text' in encoded ? encoded.text.length : 0;
    if ('text' in encoded && length <= most) return encoded.text;
    const detail = 'detail' in encoded ? encoded.detail : 'it makes the whole too long';
    problem = { kind: 'unavailable', detail };
    return '';
  });
  return problem === null ? { kind: 'text', text: replaced } : { kind: 'problem', problem };
}
