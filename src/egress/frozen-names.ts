/** `dns: {pin: start}`: what a name was first found to be at is what it is for the life of the sandbox. */
import { err, type Result } from '../base/result.ts';
import { NAME_LIMITS } from './name-limits.ts';
import type { NameResolver } from './names.ts';

const AT_ONCE = 32;
type Addresses = Result<readonly string[], string>;

export class FrozenResolver implements NameResolver {
  readonly #resolver: NameResolver;
  readonly #limit: number;
  readonly #frozen = new Map<string, Promise<Addresses>>();

  /** @param names resolved now; names that only a pattern lists are, when they are first wanted */
  constructor(resolver: NameResolver, names: Iterable<string>, limit: number = NAME_LIMITS.frozenNames) {
    this.#resolver = resolver;
    this.#limit = limit;
    void this.freeze([...names]);
  }

  /** A failure is kept as well: whoever can make a look-up fail must not choose the moment of the next one. */
  lookup(name: string): Promise<Addresses> {
    const known = this.#frozen.get(name);
    if (known !== undefined) return known;
    if (this.#frozen.size >= this.#limit)
      return Promise.resolve(err('was not resolved: the sandbox has looked up too many names'));
    const found = this.#resolver.lookup(name);
    this.#frozen.set(name, found);
    return found;
  }

  /** Further names, of a later policy; those that were resolved stay as they were. Some at a time: a resolver refuses more than it can queue. */
  async freeze(names: readonly string[]): Promise<void> {
    for (let i = 0; i < names.length; i += AT_ONCE)
      await Promise.all(names.slice(i, i + AT_ONCE).map((name) => this.lookup(name)));
  }
}
