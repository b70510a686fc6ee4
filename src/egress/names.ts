/** Host names to addresses, through the machine's own resolver: hosts file, search domains and all. */
import { type LookupAddress, lookup } from 'node:dns';
import { err, ok, type Result } from '../base/result.ts';
import { EGRESS_LIMITS, type EgressLimits } from './limits.ts';
import { Slots } from './slots.ts';

export interface NameResolver {
  /** All addresses of a name, as text, in the order in which they should be tried; the error is a clause. */
  lookup(name: string): Promise<Result<readonly string[], string>>;
}

type Lookup = (
  name: string,
  options: { readonly all: true; readonly verbatim: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const CODES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'does not exist',
  EAI_AGAIN: 'could not be asked for: the name server does not answer',
};

/** Asks getaddrinfo(3). It cannot be stopped: a lookup that timed out holds its slot until it returns. */
export class SystemResolver implements NameResolver {
  readonly #limits: EgressLimits;
  readonly #lookup: Lookup;
  readonly #slots: Slots;
  readonly #running = new Map<string, Promise<Result<readonly string[], string>>>();

  constructor(limits: EgressLimits = EGRESS_LIMITS, systemLookup: Lookup = lookup) {
    this.#limits = limits;
    this.#lookup = systemLookup;
    this.#slots = new Slots(limits.resolving, limits.resolveQueue);
  }

  async lookup(name: string): Promise<Result<readonly string[], string>> {
    const running = this.#running.get(name) ?? this.#start(name);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Result<never, string>>((resolve) => {
      const give = () => resolve(err(`was not resolved within ${this.#limits.resolveMs} ms`));
      timer = setTimeout(give, this.#limits.resolveMs);
    });
    try {
      return await Promise.race([running, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #start(name: string): Promise<Result<readonly string[], string>> {
    const running = this.#slots.run(() => this.#ask(name));
    if (running === null) return Promise.resolve(err('was not resolved: too many names are waiting'));
    this.#running.set(name, running);
    void running.finally(() => this.#running.delete(name));
    return running;
  }

  #ask(name: string): Promise<Result<readonly string[], string>> {
    return new Promise((resolve) => {
      try {
        this.#lookup(name, { all: true, verbatim: true }, (error, addresses) => {
          if (error !== null) resolve(err(CODES[error.code ?? ''] ?? `was not resolved (${error.code})`));
          else if (addresses.length === 0) resolve(err('has no addresses'));
          else resolve(ok(addresses.map(({ address }) => address)));
        });
      } catch (error) {
        // dns.lookup throws on arguments that it does not like.
        resolve(err(`was not resolved (${(error as NodeJS.ErrnoException).code})`));
      }
    });
  }
}
