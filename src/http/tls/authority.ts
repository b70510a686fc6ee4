/** The certificate authority of one sandbox: made for it, held in memory only, and gone with it. */
import { createSecureContext, type SecureContext } from 'node:tls';
import { TLS_LIMITS } from '../limits.ts';
import { type Authority, generateKeys, issueAuthority, issueLeaf, type KeyPair } from './certificates.ts';

export class SandboxAuthority {
  readonly #authority: Authority;
  /** One for all leaves: a key for each costs four times the signature, and protects nothing, being in the same memory. */
  readonly #leafKeys: KeyPair = generateKeys();
  readonly #leafKeyPem: string;
  readonly #limits: { readonly leaves: number };
  /** In the order of use, the longest unused first. */
  readonly #leaves = new Map<string, SecureContext>();

  constructor(limits: { readonly leaves: number } = TLS_LIMITS, now = Date.now()) {
    this.#authority = issueAuthority(now);
    this.#limits = limits;
    this.#leafKeyPem = this.#leafKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  }

  /** What programs inside trust: PEM. */
  get caPem(): string {
    return this.#authority.certificate;
  }

  /**
   * What a server shows that stands for `host`: a name in its normal form, or the canonical text of an address. Throws
   * for what is neither.
   */
  leafFor(host: string): SecureContext {
    const known = this.#leaves.get(host);
    if (known !== undefined) {
      this.#leaves.delete(host);
      this.#leaves.set(host, known);
      return known;
    }
    const made = this.#make(host);
    this.#leaves.set(host, made);
    if (this.#leaves.size > this.#limits.leaves) this.#leaves.delete(this.#leaves.keys().next().value!);
    return made;
  }

  #make(host: string): SecureContext {
    const leaf = issueLeaf(this.#authority, host, this.#leafKeys.publicKey);
    return createSecureContext({
      key: this.#leafKeyPem,
      cert: leaf + this.caPem,
      // Else Node reads all of its own, to verify clients by, which show none.
      ca: this.caPem,
      minVersion: 'TLSv1.2',
    });
  }
}
