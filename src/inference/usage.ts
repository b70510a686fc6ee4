/** Token counts, as providers of both shapes tell them: whole, at the end of a stream, or in pieces along it. */

export interface Tokens {
  readonly input: number;
  readonly output: number;
}

const INPUT = ['prompt_tokens', 'input_tokens', 'inputTokens'];
const OUTPUT = ['completion_tokens', 'output_tokens', 'outputTokens'];
/** Anthropic counts these apart from `input_tokens`. */
const CACHED = ['cache_creation_input_tokens', 'cache_read_input_tokens'];

type Fields = Readonly<Record<string, unknown>>;

/** Takes a `usage` object; null: it is none. */
export function tokensOf(usage: unknown): { input: number | null; output: number | null } | null {
  if (!isObject(usage)) return null;
  const input = firstCount(usage, INPUT);
  const output = firstCount(usage, OUTPUT);
  if (input === null && output === null) return null;
  const cached = CACHED.reduce((sum, key) => sum + (countOf(usage[key]) ?? 0), 0);
  return { input: input === null ? null : input + cached, output };
}

/** The counts of one call as they become known. Later ones of a stream include earlier ones. */
export class UsageCount {
  #input: number | null = null;
  #output: number | null = null;

  /** Anything that may hold counts: an answer, or the data of an event of a stream. */
  addFrom(value: unknown): void {
    if (!isObject(value)) return;
    // The events of Responses and of Messages have it one level down.
    for (const holder of [value, value['response'], value['message']])
      if (isObject(holder)) this.add(holder['usage']);
  }

  add(usage: unknown): void {
    const tokens = tokensOf(usage);
    if (tokens === null) return;
    this.#input = larger(this.#input, tokens.input);
    this.#output = larger(this.#output, tokens.output);
  }

  /** Null: nothing was told. */
  get tokens(): Tokens | null {
    if (this.#input === null && this.#output === null) return null;
    return { input: this.#input ?? 0, output: this.#output ?? 0 };
  }
}

const larger = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.max(a, b);

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const countOf = (value: unknown): number | null =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;

function firstCount(usage: Fields, keys: readonly string[]): number | null {
  for (const key of keys) {
    const count = countOf(usage[key]);
    if (count !== null) return count;
  }
  return null;
}
