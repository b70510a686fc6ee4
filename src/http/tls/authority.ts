/** The certificate authority of one sandbox: made for it, held in memory only, and gone with it. */
import { KeyObject, type webcrypto } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { TLS_LIMITS } from '../limits.ts';
import { type Authority, generateKeys, issueAuthority, issueLeaf, pem } from './certificates.ts';

export class SandboxAuthority {
  /** What programs inside trust: PEM. */
  readonly caPem: string;
  readonly #authority: Authority;
  /** One for all leaves: a key for each costs four times the signature, and protects nothing, being in the same memory. */
  readonly #leafKeys: webcrypto.CryptoKeyPair;
  readonly #leafKeyPem: string;
  readonly #limits: { readonly leaves: number };
  /** In the order of use, the longest unused first. */
  readonly #leaves = new Map<string, Promise<SecureContext>>();

  private constructor(
    authority: Authority,
    leafKeys: webcrypto.CryptoKeyPair,
    limits: { readonly leaves: number },
  ) {
    this.#authority = authority;
    this.#leafKeys = leafKeys;
    this.#leafKeyPem = KeyObject.from(leafKeys.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string;
    this.#limits = limits;
    this.caPem = pem(authority.certificate);
  }

  static async create(
    limits: { readonly leaves: number } = TLS_LIMITS,
    now = Date.now(),
  ): Promise<SandboxAuthority> {
    const [authority, leafKeys] = await Promise.all([issueAuthority(now), generateKeys()]);
    return new SandboxAuthority(authority, leafKeys, limits);
  }

  /** What a server shows that stands for `host`: a name in its normal form, or the canonical text of an address. */
  leafFor(host: string): Promise<SecureContext> {
    const known = this.#leaves.get(host);
    if (known !== undefined) {
      this.#leaves.delete(host);
      this.#leaves.set(host, known);
      return known;
    }
    const made = this.#make(host);
    this.#leaves.set(host, made);
    if (this.#leaves.size > this.#limits.leaves) this.#leaves.delete(this.#leaves.keys().next().value!);
    made.catch(() => {
      if (this.#leaves.get(host) === made) this.#leaves.delete(host);
    });
    return made;
  }

  async #make(host: string): Promise<SecureContext> {
    const leaf = await issueLeaf(this.#authority, host, this.#leafKeys.publicKey);
    return createSecureContext({
      key: this.#leafKeyPem,
      cert: leaf + this.caPem,
      // Else Node reads all of its own, to verify clients by, which show none.
      ca: this.caPem,
      minVersion: 'TLSv1.2',
    });
  }
}
