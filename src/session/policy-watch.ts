/**
 * Tells when a file may have changed: written in place, replaced by another, or a symbolic link on the way to it changed
 * (Kubernetes swaps one). Watches the directories in which that would show (inotify(7)); a look now and then covers file
 * systems that tell nothing.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename } from 'node:path';
import { parentOf } from '../base/path.ts';
import { lookAt } from '../probe/paths.ts';

export const WATCH_TIMES = {
  /** Milliseconds without a further change until it is told: an editor makes several. */
  quietMs: 100,
  /** It is told at the latest so long after the first. */
  latestMs: 1000,
  /** How often the file is looked at without being told to. */
  lookMs: 2000,
} as const;

export type WatchTimes = { readonly [K in keyof typeof WATCH_TIMES]: number };

export class PolicyWatch {
  readonly #path: string;
  readonly #changed: () => void;
  readonly #times: WatchTimes;
  #watchers: FSWatcher[] = [];
  #watched = '';
  #seen: string;
  #quiet: NodeJS.Timeout | undefined;
  #since = 0;
  readonly #look: NodeJS.Timeout;

  /** @param path absolute */
  constructor(path: string, changed: () => void, times: WatchTimes = WATCH_TIMES) {
    this.#path = path;
    this.#changed = changed;
    this.#times = times;
    this.#seen = signatureOf(path);
    this.#watchAnew();
    this.#look = setInterval(() => this.#lookAgain(), times.lookMs).unref();
  }

  close(): void {
    clearInterval(this.#look);
    clearTimeout(this.#quiet);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #lookAgain(): void {
    if (signatureOf(this.#path) !== this.#seen) this.#notice();
  }

  /** What a change of would change the file, by directory. */
  #watchAnew(): void {
    const places = placesOf(this.#path);
    const key = JSON.stringify([...places].map(([directory, names]) => [directory, [...names]]));
    if (key === this.#watched) return;
    this.#watched = key;
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [...places].flatMap(([directory, names]) => this.#watchDirectory(directory, names));
  }

  #watchDirectory(directory: string, names: ReadonlySet<string>): FSWatcher[] {
    try {
      const watcher = watch(directory, { persistent: false }, (_event, name) => {
        if (name === null || names.has(name)) this.#notice();
      });
      watcher.on('error', () => watcher.close()); // the looks go on
      return [watcher];
    } catch {
      return [];
    }
  }

  #notice(): void {
    const now = Date.now();
    if (this.#quiet === undefined) this.#since = now;
    clearTimeout(this.#quiet);
    const left = this.#since + this.#times.latestMs - now;
    this.#quiet = setTimeout(() => this.#tell(), Math.max(0, Math.min(this.#times.quietMs, left)));
    this.#quiet.unref();
  }

  #tell(): void {
    this.#quiet = undefined;
    this.#seen = signatureOf(this.#path);
    this.#watchAnew();
    this.#changed();
  }
}

/** The directories that hold the file and the links that lead to it, with the names in each. */
function placesOf(path: string): Map<string, Set<string>> {
  const { canonical, links } = lookAt([path]).facts.byPath.get(path)!;
  const places = new Map<string, Set<string>>();
  for (const place of [path, canonical, ...links.map(({ at }) => at)]) {
    const directory = parentOf(place);
    const names = places.get(directory) ?? new Set();
    places.set(directory, names.add(basename(place)));
  }
  return places;
}

function signatureOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
