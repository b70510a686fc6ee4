/**
 * Runs every probe: inside its sandbox, without one, as root of a user namespace of its own, and under the marker plan.
 * What a sandbox must not reach is there while it runs, and whether it was reached is asked before the other runs.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandOptions, type Outcome, runCommand, type UserIds } from '../support/command.ts';
import { cleanEnvironment, installInto, isRoot, openshell } from '../support/product.ts';
import { Scratch } from '../support/scratch.ts';
import { type Arena, arenaOf, argumentsOf } from './arenas.ts';
import { inContainer, type Run } from './contained.ts';
import { makePlaces, type Places, SET_USER_ID, WORD } from './fixture.ts';
import { type Job, LostJobs, quoted, type Result, type Results, readResults, writeJobs } from './jobs.ts';
import type { Place } from './place.ts';
import type { ArenaName, Probe } from './probe.ts';
import { compileProbe } from './probe-program.ts';
import { PlanRunner } from './run-plan.ts';
import { Surroundings } from './surroundings.ts';

/** No kernel has an error of this number. */
export const MARKER = 199;
/** Tells that an arena is alive: it must work. */
export const CANARY = 'canary';
/** Output of an attack that the sandbox did not outlive. */
export const ENDED = 'the sandbox ended';

/** Root tries as somebody else what could harm the machine: the id of nobody, below those that openshell hands out. */
const SOMEBODY: UserIds = { uid: 1_879_048_192, gid: 1_879_048_192 };
/** New namespaces of every kind, as root of the first. */
const OWN_NAMESPACES = 'unshare -Urmpfnui --cgroup --mount-proc sh -c';
const RUN_LIMIT_MS = 90_000;
/** In a sandbox: whoever started the driver. Process 1, where there is a pid namespace. */
const INSIDE = { INIT: '' };
const FIND_INIT =
  'while read -r key value; do [ "$key" != PPid: ] || INIT=$value; done < "/proc/$PPID/status"';

export class Trials {
  readonly scratch: Scratch;
  readonly surroundings: Surroundings;
  /** What the sandboxes see. */
  readonly places: Places;
  readonly #place: Place;
  readonly #run: Run;
  readonly #tools: string;
  readonly #command: string;
  readonly #runner: PlanRunner;
  #files = 0;

  private constructor(
    scratch: Scratch,
    place: Place,
    surroundings: Surroundings,
    tools: string,
    runner: PlanRunner,
  ) {
    this.scratch = scratch;
    this.#place = place;
    this.surroundings = surroundings;
    this.#tools = tools;
    this.#runner = runner;
    this.places = makePlaces(scratch.directory('sandbox'), {
      standIns: false,
      apart: place.tier === 'platform',
    });
    this.#command = installInto(this.places.own);
    this.#run =
      place.container === null
        ? runCommand
        : inContainer(place.container, scratch, surroundings, join(tools, 'probe'));
  }

  /** With a cache that is not new: that of a first run is another matter (first-run.test.ts). */
  static async make(place: Place): Promise<Trials> {
    const scratch = new Scratch('enforcement');
    try {
      const tools = scratch.directory('tools');
      const surroundings = await Surroundings.make(scratch, compileProbe(tools), isRoot ? SOMEBODY : null);
      const trials = new Trials(
        scratch,
        place,
        surroundings,
        tools,
        await PlanRunner.make(scratch.directory('runner')),
      );
      await trials.#warmUp();
      return trials;
    } catch (error) {
      scratch.remove();
      throw error;
    }
  }

  async #warmUp(): Promise<void> {
    const { project } = this.places;
    const env = this.#environment(this.places);
    const command = [...openshell(this.#command), 'run', ...this.#tier, '--', 'true'];
    const { code, stderr } = await this.#run(command, { cwd: project, env });
    if (code !== 0) throw new Error(`openshell does not work here: exit code ${code}\n${stderr}`);
  }

  /** The command line, in one sandbox. */
  inSandbox(name: ArenaName, probes: readonly Probe[]): Promise<Results> {
    return this.#inSandbox(name, [canary, ...probes], () => this.places);
  }

  /** The same in a sandbox of its own, which may end with it. */
  async alone(probe: Probe): Promise<Result> {
    try {
      return (await this.#inSandbox(probe.arena, [probe], () => this.places)).get(probe.id)!;
    } catch (error) {
      if (!(error instanceof LostJobs) || !/^exit code (?!0$)/m.test(error.complaint)) throw error;
      return { id: probe.id, code: -1, signal: 9, late: false, output: ENDED };
    }
  }

  /** The same for what is not held: each has files of its own, as in the runs without a sandbox. */
  notHeld(name: ArenaName, probes: readonly Probe[]): Promise<Results> {
    const base = this.scratch.directory(`not-held-${name}`);
    const apart = this.#place.tier === 'platform';
    return this.#inSandbox(name, probes, ({ id }) => makePlaces(join(base, id), { standIns: true, apart }));
  }

  async #inSandbox(
    name: ArenaName,
    probes: readonly Pick<Probe, 'id' | 'script'>[],
    placesOf: (probe: Pick<Probe, 'id'>) => Places,
  ): Promise<Results> {
    const arena = this.#arena(name);
    const policy = this.#policy(name, arena);
    const { project, own } = this.places;
    const events = join(own, 'events.jsonl');
    const shown = new Set<string>();
    const jobs = probes.map((probe) => {
      const places = placesOf(probe);
      if (places !== this.places)
        for (const words of [`--write=${places.project}`, `--read=${places.readOnly}`]) shown.add(words);
      return this.#job(probe, places, { POLICY: policy, EVENTS: events, ...INSIDE });
    });
    const outcome = await this.#withOpenFiles(this.places, (files) =>
      this.#run(
        [
          ...openshell(this.#command),
          ...['run', '--quiet', ...this.#tier, '--policy', policy, '--events', events],
          ...['--env-file', join(own, 'variables.env'), ...shown],
          ...argumentsOf(arena),
          '--',
          ...this.#driver(jobs),
        ],
        { cwd: project, env: this.#environment(this.places), files, limitMs: RUN_LIMIT_MS },
      ),
    );
    return this.#results(outcome, jobs);
  }

  /** The same plan, with the marker in the place of every errno. */
  async withMarker(name: ArenaName, probes: readonly Probe[]): Promise<Results> {
    const arena = this.#arena(name);
    const policy = this.#policy(name, arena);
    const jobs = probes.map((probe) => this.#job(probe, this.places, INSIDE));
    const outcome = await this.#runner.run(this.#driver(jobs), {
      workdir: this.places.project,
      policy,
      tier: this.#place.tier,
      ...(arena.network === null ? {} : { network: arena.network }),
      write: arena.write,
      refusalErrno: MARKER,
      env: this.#environment(this.places),
      limitMs: RUN_LIMIT_MS,
    });
    return this.#results(outcome, jobs);
  }

  /** Without a sandbox. Each probe has files of its own, since it may change them. */
  control(probes: readonly Probe[], asRoot: boolean): Promise<Results> {
    return this.#outside('control', probes, asRoot, (script) => script);
  }

  inUserNamespace(probes: readonly Probe[], asRoot: boolean): Promise<Results> {
    return this.#outside(
      'namespaces',
      probes,
      asRoot,
      (script) => `exec ${OWN_NAMESPACES} ${quoted(script)}`,
    );
  }

  async #outside(
    kind: string,
    probes: readonly Probe[],
    asRoot: boolean,
    wrap: (script: string) => string,
  ): Promise<Results> {
    const as = isRoot && !asRoot ? SOMEBODY : undefined;
    const base = this.scratch.directory(`${kind}-${asRoot ? 'root' : 'user'}`);
    const common = makePlaces(join(base, 'common'), { standIns: true });
    const jobs = probes.map((probe) => {
      const places = makePlaces(join(base, probe.id), { standIns: true });
      const { id, script } = this.#job(probe, places, {
        POLICY: join(places.own, 'policy.yaml'),
        EVENTS: join(places.own, 'events.jsonl'),
      });
      return { id, script: wrap(script) };
    });
    if (as !== undefined) {
      spawnSync('chown', ['-R', `${as.uid}:${as.gid}`, base]);
      // A change of the owner takes the bit away.
      spawnSync('find', [base, '-name', SET_USER_ID, '-exec', 'chmod', '4755', '{}', '+']);
    }
    const outcome = await this.#withOpenFiles(common, (files) =>
      this.#run(this.#driver(jobs), {
        cwd: common.project,
        env: this.#environment(common),
        files,
        as,
        limitMs: RUN_LIMIT_MS,
      }),
    );
    return this.#results(outcome, jobs);
  }

  /** In a container nobody says which: it has to be found out. */
  get #tier(): string[] {
    return this.#place.container === null ? ['--tier', this.#place.tier] : [];
  }

  remove(): void {
    this.scratch.remove();
  }

  #arena(name: ArenaName): Arena {
    const { listed, allowedPort } = this.surroundings;
    return arenaOf(name, {
      tier: this.#place.tier,
      readOnly: this.places.readOnly,
      listed,
      tools: this.#tools,
      allowedPort,
    });
  }

  #policy(name: ArenaName, { policy }: Arena): string {
    const path = join(this.places.own, `policy-${name}.yaml`);
    writeFileSync(path, `${policy}\n`);
    return path;
  }

  #driver(jobs: readonly Job[]): [string, ...string[]] {
    this.#files += 1;
    const path = join(this.#tools, `jobs-${this.#files}`);
    writeJobs(path, jobs);
    return [join(this.#tools, 'probe'), 'drive', path];
  }

  #job({ id, script }: Pick<Probe, 'id' | 'script'>, places: Places, more: Record<string, string> = {}): Job {
    const variables: Record<string, string> = {
      ...this.surroundings.variables,
      PROBE: join(this.#tools, 'probe'),
      ID: id,
      WORD,
      OUT: places.outside,
      SECRET: join(places.outside, 'secret'),
      READONLY: places.readOnly,
      PROJECT: places.project,
      REALHOME: places.home,
      OWN: places.own,
      CACHE: places.cache,
      MNT: join(places.project, 'mnt'),
      ALLOWED: String(this.surroundings.allowedPort),
      INIT: '1',
      ...more,
    };
    const exports = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`);
    exports.push('read -r VICTIM < "$LISTED/victim"; export VICTIM');
    if (more['INIT'] === '') exports.push(FIND_INIT);
    return { id, script: [...exports, 'cd "$PROJECT" || exit 1', script].join('\n') };
  }

  /** With what must not get in: a variable, and options for Node. */
  #environment(places: Places): Record<string, string> {
    return {
      ...cleanEnvironment(places.home, places.cache),
      SECRET_TOKEN: WORD,
      NODE_OPTIONS: '--no-deprecation',
    };
  }

  /** Starts something with 7 (for writing), 8 (a directory) and 9 (the secret) open. */
  async #withOpenFiles(
    { outside }: Places,
    work: (files: NonNullable<CommandOptions['files']>) => Promise<Outcome>,
  ): Promise<Outcome> {
    const files = {
      7: openSync(join(outside, 'file'), 'a'),
      8: openSync(outside, 'r'),
      9: openSync(join(outside, 'secret'), 'r'),
    };
    try {
      return await work(files);
    } finally {
      for (const file of Object.values(files)) closeSync(file);
    }
  }

  #results({ code, stdout, stderr }: Outcome, jobs: readonly Job[]): Results {
    return readResults(stdout, jobs, `exit code ${code}\n${stderr}`);
  }
}

/** Everything that a program may do anyway, so that a sandbox in which nothing works shows. */
const canary = {
  id: CANARY,
  script: `echo x > "canary-file" && rm "canary-file" && grep -q read "$READONLY/file" && echo x > "\${TMPDIR:-/tmp}/canary" &&
[ -S "$LISTED/socket" ] && { [ -z "$HTTPS_PROXY" ] || "$PROBE" by-name allowed.test "$ALLOWED"; } && [ "$FROM_FILE" = yes ] && "$PROBE" memfd-create 8 && "$PROBE" socket 2 1 0 && "$PROBE" ok`,
};
