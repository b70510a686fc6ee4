/** Stars in the place of secrets that a provider echoes; lengths stay, so that nothing else has to change. */

/** Shorter ones are words that answers may hold by chance. */
const MIN_SECRET = 8;
const STAR = 0x2a;

export class SecretMask {
  /** The longest first: a shorter one may be its beginning. */
  readonly #secrets: readonly Buffer[];
  #held = Buffer.alloc(0);

  /** One mask for each stream. */
  constructor(secrets: readonly string[]) {
    const forms = secrets.filter(({ length }) => length >= MIN_SECRET).flatMap(formsOf);
    this.#secrets = [...new Set(forms)].map((form) => Buffer.from(form)).sort((a, b) => b.length - a.length);
  }

  /** What may be sent now. Only bytes that could be the beginning of a secret are held back. */
  push(chunk: Buffer): Buffer {
    if (this.#secrets.length === 0) return chunk;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const masked = this.#mask(bytes);
    const keep = this.#beginning(masked);
    this.#held = Buffer.from(masked.subarray(masked.length - keep));
    return masked.subarray(0, masked.length - keep);
  }

  finish(): Buffer {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest;
  }

  /** Of a text that is complete. */
  text(text: string): string {
    if (this.#secrets.length === 0) return text;
    return this.#mask(Buffer.from(text, 'utf8')).toString('utf8');
  }

  #mask(bytes: Buffer): Buffer {
    let masked: Buffer | null = null;
    for (const secret of this.#secrets)
      for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + secret.length)) {
        masked ??= Buffer.from(bytes);
        masked.fill(STAR, at, at + secret.length);
      }
    return masked ?? bytes;
  }

  /** How many bytes at the end are the beginning of a secret. */
  #beginning(bytes: Buffer): number {
    const longest = Math.min(bytes.length, (this.#secrets[0]?.length ?? 1) - 1);
    for (let length = longest; length > 0; length -= 1) {
      const tail = bytes.subarray(bytes.length - length);
      if (this.#secrets.some((secret) => secret.length > length && secret.subarray(0, length).equals(tail)))
        return length;
    }
    return 0;
  }
}

/** As it is, in JSON, in a URL, and in base64 where it begins a group, as in Basic. */
function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    // The last character depends on what follows.
    base64.length > MIN_SECRET ? base64.slice(0, -1) : base64,
  ];
}
