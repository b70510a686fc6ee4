/**
 * SHA-256 of the executable of a running process. The file is opened once through /proc/PID/exe (proc_pid_exe(5)),
 * which leads to the very inode that runs, whatever stands at its path now.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { err, ok, type Result } from '../base/result.ts';
import { EGRESS_LIMITS, type EgressLimits } from './limits.ts';
import { Slots } from './slots.ts';

/** What stat(2) said about the executable of a process when it called connect. */
export interface ExecutableFacts {
  /** Absolute, as the sandbox sees it, without ` (deleted)`. */
  readonly path: string;
  /** As the host counts it. */
  readonly pid: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** The path no longer leads to the file. */
  readonly deleted: boolean;
}

export interface HashProblem {
  /** `changed`: the file was written to while it was read. `unavailable`: everything else. */
  readonly kind: 'unavailable' | 'changed';
  /** A clause that follows the program's name. */
  readonly detail: string;
}

type Fingerprint = Pick<ExecutableFacts, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;
type Hashed = Result<string, HashProblem>;

/** A file changed this recently may change again without a new time stamp, since the kernel's clock ticks coarsely. */
const RACY_NS = 100_000_000n;

export interface ContentHashOptions {
  readonly limits?: EgressLimits;
  readonly openExecutable?: (pid: number) => Promise<FileHandle>;
  /** Nanoseconds since 1970. */
  readonly now?: () => bigint;
}

/** Hashes executables and remembers the hashes by file. One for all sandboxes. */
export class ContentHash {
  readonly #limits: EgressLimits;
  readonly #open: (pid: number) => Promise<FileHandle>;
  readonly #now: () => bigint;
  readonly #slots: Slots;
  /** Insertion order is order of use. */
  readonly #known = new Map<string, string>();
  readonly #running = new Map<string, Promise<Hashed>>();

  constructor(options: ContentHashOptions = {}) {
    this.#limits = options.limits ?? EGRESS_LIMITS;
    this.#open = options.openExecutable ?? ((pid) => open(`/proc/${pid}/exe`, 'r'));
    this.#now = options.now ?? (() => BigInt(Date.now()) * 1_000_000n);
    this.#slots = new Slots(this.#limits.hashing, this.#limits.hashQueue);
  }

  /** Hexadecimal SHA-256 of the file that the facts describe. Requests for one file share one reading. */
  async of(facts: ExecutableFacts): Promise<Hashed> {
    const key = fingerprintKey(facts);
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#known.delete(key);
      this.#known.set(key, known);
      return ok(known);
    }
    let running = this.#running.get(key);
    if (running === undefined) {
      running = this.#hash(facts).finally(() => this.#running.delete(key));
      this.#running.set(key, running);
    }
    return running;
  }

  async #hash(facts: ExecutableFacts): Promise<Hashed> {
    if (facts.size > BigInt(this.#limits.executableBytes))
      return unavailable(`is larger than ${this.#limits.executableBytes} bytes`);
    const hashed = await (this.#slots.run(() => this.#read(facts)) ??
      unavailable('cannot be looked at now, too many others are waiting'));
    if (hashed.ok && this.#now() - facts.ctimeNs > RACY_NS) this.#remember(facts, hashed.value);
    return hashed;
  }

  async #read(facts: ExecutableFacts): Promise<Hashed> {
    let file: FileHandle;
    try {
      file = await this.#open(facts.pid);
    } catch (error) {
      return unavailable(`cannot be read (${errorCode(error)})`);
    }
    try {
      if (!same(await fingerprint(file), facts)) return unavailable('is no longer what the process runs');
      const digest = await this.#digest(file);
      if (!same(await fingerprint(file), facts)) return changed();
      return ok(digest);
    } catch (error) {
      return unavailable(`cannot be read (${errorCode(error)})`);
    } finally {
      await file.close().catch(() => undefined);
    }
  }

  async #digest(file: FileHandle): Promise<string> {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(this.#limits.hashChunk);
    for (let position = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
      // A file that grows for ever is not what the facts describe; the comparison afterwards says so.
      if (position > this.#limits.executableBytes) return '';
    }
  }

  #remember(facts: ExecutableFacts, digest: string): void {
    const oldest = this.#known.keys().next();
    if (this.#known.size >= this.#limits.rememberedHashes && oldest.done !== true)
      this.#known.delete(oldest.value);
    this.#known.set(fingerprintKey(facts), digest);
  }
}

async function fingerprint(file: FileHandle): Promise<Fingerprint> {
  return file.stat({ bigint: true });
}

const same = (a: Fingerprint, b: Fingerprint): boolean =>
  a.dev === b.dev &&
  a.ino === b.ino &&
  a.size === b.size &&
  a.mtimeNs === b.mtimeNs &&
  a.ctimeNs === b.ctimeNs;

const fingerprintKey = (f: Fingerprint): string => `${f.dev}:${f.ino}:${f.size}:${f.mtimeNs}:${f.ctimeNs}`;

const unavailable = (detail: string): Hashed => err({ kind: 'unavailable', detail });
const changed = (): Hashed => err({ kind: 'changed', detail: 'was written to while it was looked at' });

function errorCode(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === 'string' ? code : 'unknown error';
}
