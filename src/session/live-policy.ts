/** The policy of one run, as it may become another while the program runs. What that takes is loaded when it does. */
import type { Socket } from 'node:net';
import { controlDirectory } from '../probe/installation.ts';
import { type ControlSocket, openControlSocket } from './control-socket.ts';
import type { PolicyReloader, ReloaderOptions, ReloadInput } from './policy-reloader.ts';

export interface ReloadWish extends ReloadInput {
  /** Whenever its file changes; otherwise when the owner asks. */
  readonly watch: boolean;
}

type Effects = Omit<ReloaderOptions, keyof ReloadInput>;

export class LivePolicy {
  readonly #wish: ReloadWish;
  readonly #run: string;
  readonly #effects: Effects;
  #reloader: Promise<PolicyReloader> | null = null;
  #control: ControlSocket | null = null;
  #unwatch = (): void => {};
  #stopped = false;

  /** @param run its name, by which the owner calls it */
  constructor(wish: ReloadWish, run: string, effects: Effects) {
    this.#wish = wish;
    this.#run = run;
    const whileItRuns = (work: () => void): void => (this.#stopped ? undefined : work());
    this.#effects = {
      ...effects,
      emit: (draft) => whileItRuns(() => effects.emit(draft)),
      tell: (line, kind) => whileItRuns(() => effects.tell(line, kind)),
    };
  }

  start(): void {
    this.#control = openControlSocket(controlDirectory(), this.#run, (client) => void this.#serve(client));
    if (this.#wish.watch) void this.#watch();
  }

  stop(): void {
    this.#stopped = true;
    this.#control?.close();
    this.#unwatch();
  }

  async #serve(client: Socket): Promise<void> {
    const { serveClient } = await import('./reload.late.ts');
    const reloader = await this.#reloading();
    serveClient(client, { run: this.#run, policy: this.#wish.policy.name, reloader });
  }

  async #watch(): Promise<void> {
    const { PolicyWatch } = await import('./reload.late.ts');
    const reloader = await this.#reloading();
    if (this.#stopped) return;
    const reload = (): void =>
      void reloader
        .reload()
        .catch(({ message }: Error) =>
          this.#effects.tell(`openshell: the policy was not taken: ${message}`, 'problem'),
        );
    const watch = new PolicyWatch(this.#wish.policy.path!, reload);
    this.#unwatch = () => watch.close();
    reload(); // it may have changed before it was watched
  }

  #reloading(): Promise<PolicyReloader> {
    this.#reloader ??= import('./reload.late.ts').then(
      ({ PolicyReloader }) => new PolicyReloader({ ...this.#wish, ...this.#effects }),
    );
    return this.#reloader;
  }
}
