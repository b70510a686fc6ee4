/** `openshell run`: a program inside a policy. */
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { parseArgs } from 'node:util';
import { parseDuration } from '../base/quantity.ts';
import { printable } from '../base/source.ts';
import { fillEnvironment } from '../compile/environment.ts';
import type { OperatorRequest } from '../compile/input.ts';
import type { Guard } from '../guard/guard.ts';
import { startLauncher, type WaitingLauncher } from '../launch/launcher.ts';
import { type HostTrust, hasInspection, type Plan } from '../plan/plan.ts';
import { findInstallation, type Installation } from '../probe/installation.ts';
import { EXIT } from '../session/exit.ts';
import { changedSince, lookAtUnheld, newlyTrusted } from '../session/host-trust.ts';
import type { ReloadWish } from '../session/live-policy.ts';
import { type PolicyFile, readPolicyFile } from '../session/policy-file.ts';
import type { OnBadPolicy } from '../session/policy-reloader.ts';
import { prepare } from '../session/prepare.ts';
import type { Prepared } from '../session/prepared.ts';
import { run } from '../session/run.ts';
import { makeScratch, type Scratch } from '../session/scratch.ts';
import type { Trust } from '../session/trust.ts';
import type { Credentials } from './credentials.ts';
import { guardrailFiles, openGuardrails } from './guardrails.ts';
import type { RoutesFile, TakenRoutes } from './inference.ts';
import {
  connectToOf,
  givenEnvironment,
  OPERATOR_OPTIONS,
  type OperatorValues,
  operatorRequest,
  routesOf,
  upstreamAuthorities,
  workdirOf,
} from './operator.ts';
import { say, tell, tellAside } from './output.ts';
import { UsageError } from './usage.ts';

const MAX_NAMED = 5;

const HELP = `usage: openshell run [OPTION]… -- CMD [ARG]…

Runs CMD inside a policy: only listed files are visible, only listed hosts can be reached. Without a policy
the system directories are read-only, the working directory is writable, /tmp and home are empty, and there is no network.

  -p, --policy FILE        policy in YAML; - is standard input
      --read PATH          show PATH read-only            (may be repeated, as may all that add something)
      --write PATH         show PATH writable
      --allow HOST[:PORT]  let every program reach HOST, port 443 unless given
      --network MODE       proxy, block or allow (the host's network); default: what the policy needs
  -e, --env NAME[=VALUE]   set a variable; without a value, pass on the caller's
      --env-file FILE      set variables from NAME=value lines
      --home DIR           keep home in DIR; otherwise it is empty each time
  -w, --workdir DIR        start in DIR instead of the present directory
      --user UID           as root: run as this user of the host instead of an unused one
      --credential NAME=env:VAR|file:PATH|fd:N
                           a secret that only goes to where the policy binds NAME; CMD gets a placeholder
      --inference FILE     answer https://inference.local: routes to providers of models, and where their keys are
      --timeout TIME       end it after TIME (30, 30s, 5m): SIGTERM, then SIGKILL after 5 s; exit code 124
      --tty, --no-tty      give it a terminal of its own, or not; default: when standard input and output are terminals
      --tier TIER          namespaces, platform (needs none), or auto: the first that works here
      --accept-degraded    run although a required layer is missing; it is shown
      --guardrail SOURCE   ask SOURCE as well, whatever the policy allows: a bundle of \`opa build -t wasm\` (FILE or FILE#package/rule),
                           or a rule at an OPA server (http://HOST:PORT/v1/data/PATH)
      --watch-policy       take changes of the policy file into use at once; otherwise with \`openshell policy reload\`
      --on-bad-policy DO   when the file is no policy any more: keep the one before it (default), or quarantine: let nothing out
      --events FILE        append events as JSON lines; - is standard error
      --connect-to HOST:PORT:ADDR:PORT
                           dial ADDR:PORT for HOST:PORT
      --upstream-ca FILE   trust servers by the certificates in FILE too, where requests are looked at
  -q, --quiet              say nothing about refusals

Exit code: that of CMD; 128+n when signal n ended it; 124 time-out; 125 openshell failed; 126 CMD cannot be executed; 127 not found.
`;

const OPTIONS = {
  ...OPERATOR_OPTIONS,
  credential: { type: 'string', multiple: true },
  timeout: { type: 'string' },
  tty: { type: 'boolean', short: 't' },
  'no-tty': { type: 'boolean' },
  guardrail: { type: 'string', multiple: true },
  'watch-policy': { type: 'boolean' },
  'on-bad-policy': { type: 'string' },
  events: { type: 'string' },
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = OperatorValues & {
  readonly credential?: string[];
  readonly timeout?: string;
  readonly tty?: boolean;
  readonly 'no-tty'?: boolean;
  readonly guardrail?: string[];
  readonly 'watch-policy'?: boolean;
  readonly 'on-bad-policy'?: string;
  readonly events?: string;
  readonly quiet?: boolean;
  readonly help?: boolean;
};

export async function main(args: string[]): Promise<number> {
  const { values, command } = parse(args);
  if (values.help === true) {
    say(HELP.trimEnd());
    return 0;
  }
  const [program, ...rest] = command;
  if (program === undefined) throw new UsageError('no program was given: `openshell run -- CMD`');
  const timeout = timeoutOf(values.timeout);
  const terminal = terminalOf(values);
  const onBadPolicy = onBadPolicyOf(values);
  const installation = findInstallation(process.argv[1]!);
  const launcher = startEarly(installation, values);
  let scratch: Scratch | null = null;
  let guard: Guard | null = null;
  try {
    const credentials = await credentialsOf(values);
    const routes = await routesOf(values);
    const operator = await operatorRequest(values, credentials?.read ?? [], routes?.given ?? null);
    const inference = routes === null ? null : await secretsOf(routes);
    const connectTo = await connectToOf(values);
    const prepared = await prepareRun(values, operator, installation);
    if (prepared === null || launcher === null) return EXIT.failed;
    const { plan, file } = prepared;
    const reload = reloadable(file, plan)
      ? {
          policy: file,
          operator,
          workdir: workdirOf(values),
          onBadPolicy,
          watch: values['watch-policy'] ?? false,
        }
      : null;
    const unwatchable = values['watch-policy'] === true ? await watchProblem(reload, plan) : null;
    if (unwatchable !== null) {
      tell(`openshell: --watch-policy: ${unwatchable}`);
      return EXIT.failed;
    }
    const opened = await openGuardrails(values.guardrail ?? [], plan, installation.root);
    if (!opened.ok) {
      tell(`openshell: ${opened.error}`);
      return EXIT.failed;
    }
    guard = opened.value;
    const trust = hasInspection(plan.egress) ? await makeTrust(values) : null;
    if (plan.tier === 'platform') scratch = makeScratch(trust?.made.files ?? null, ownerOf(plan));
    const given = { ...process.env, ...explicit(values) };
    const environment = fillEnvironment(
      plan.environment,
      given,
      scratch?.path ?? null,
      credentials?.variables,
    );
    credentials?.checkSpent([...environment, program, ...rest]);
    inference?.checkSpent([...environment, program, ...rest]);
    if (terminal && variable(environment, 'TERM') === '') environment.push('TERM=xterm-256color');
    const before = lookAtUnheld(plan.hostTrust);
    const code = await run({
      plan,
      document: trust?.document(plan) ?? Buffer.from(prepared.document, 'base64'),
      launcher,
      request: {
        command: [program, ...rest],
        environment,
        searchPath: variable(environment, 'PATH'),
        terminal,
        scratch: scratch?.path ?? null,
      },
      connectTo,
      trust: trust?.made ?? null,
      credentials: credentials?.given ?? null,
      inference: inference?.given ?? null,
      events: values.events ?? null,
      timeout,
      quiet: values.quiet ?? false,
      degraded: degradedLayers(plan),
      warn: tellAside,
      reload,
      guard,
    });
    if (values.quiet !== true) warnOfNewTrust(plan.hostTrust, changedSince(plan.hostTrust, before));
    return code;
  } finally {
    await Promise.all([launcher?.abandon(), guard?.close()]);
    scratch?.remove();
  }
}

/** Read before anything is made of the environment, which then holds none of them. */
async function credentialsOf(values: Values): Promise<Credentials | null> {
  if (values.credential === undefined) return null;
  const { takeCredentials } = await import('./credentials.late.ts');
  const taken = takeCredentials(values.credential, process.env);
  if (values.quiet !== true)
    for (const { warnings } of taken.read)
      for (const warning of warnings) tell(`openshell: warning: ${warning}`);
  return taken;
}

/** Read before anything is made of the environment, as those of `--credential`. */
async function secretsOf(routes: RoutesFile): Promise<TakenRoutes> {
  const { takeSecrets } = await import('./routes.late.ts');
  return takeSecrets(routes, process.env);
}

/** The user of the workload on the host, where it is not the caller. */
function ownerOf({ identity: { host } }: Plan): { uid: number; gid: number } | null {
  if (host.kind !== 'drop' || typeof host.uid !== 'number' || typeof host.gid !== 'number') return null;
  return { uid: host.uid, gid: host.gid };
}

async function makeTrust(values: Values): Promise<{ made: Trust; document: (plan: Plan) => Uint8Array }> {
  const { documentWith, makeTrust } = await import('../session/trust.late.ts');
  const made = makeTrust(await upstreamAuthorities(values));
  return { made, document: (plan) => documentWith(plan, made) };
}

/** What could not be protected, since it did not exist, is named when the program made it. */
function warnOfNewTrust(trust: HostTrust, changed: readonly string[]): void {
  const found = [...newlyTrusted(trust), ...changed];
  if (found.length === 0) return;
  const shown = found.slice(0, MAX_NAMED).map(printable).join(', ');
  const more = found.length > MAX_NAMED ? ` and ${found.length - MAX_NAMED} more` : '';
  tellAside(
    `openshell: warning: programs of this host trust what was made or changed in this run: ${shown}${more}; read it before you use git, a shell or an editor there`,
  );
}

/** Variables that the command line gives a value. */
function explicit(values: Values): Record<string, string> {
  const given: Record<string, string> = {};
  for (const { name, value } of givenEnvironment(values)) if (value !== null) given[name] = value;
  return given;
}

/** The launcher makes the namespaces while the plan is made. What is guessed wrong here is only made again. */
function startEarly({ launcher }: Installation, values: Values): WaitingLauncher | null {
  if (launcher === null) return null;
  const network = values.network !== 'allow';
  const withChannel =
    values.network === 'proxy' ||
    [values.policy, values.allow, values.inference].some((given) => given !== undefined);
  if (values.tier === 'platform') return startLauncher({ launcher, withChannel: false, namespaces: null });
  const namespaces = { user: true, mount: true, pid: true, ipc: true, uts: true, cgroup: true, network };
  return startLauncher({ launcher, withChannel, namespaces });
}

function parse(args: string[]): { values: Values; command: string[] } {
  const end = args.indexOf('--');
  try {
    const { values, positionals } = parseArgs({
      args: end < 0 ? args : args.slice(0, end),
      options: OPTIONS,
      allowPositionals: true,
    });
    if (end < 0) {
      if (positionals.length > 0)
        throw new UsageError('write `--` before the program: `openshell run [OPTION]… -- CMD`');
      return { values: values as Values, command: [] };
    }
    if (positionals.length > 0)
      throw new UsageError(`\`${positionals[0]}\` is no option; the program comes after \`--\``);
    return { values: values as Values, command: args.slice(end + 1) };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message);
  }
}

function timeoutOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const parsed = parseDuration(text);
  if (!parsed.ok || parsed.value === 0)
    throw new UsageError(`--timeout ${text}: ${parsed.ok ? 'it must be more than 0' : parsed.error}`);
  return parsed.value;
}

async function prepareRun(
  values: Values,
  operator: OperatorRequest,
  installation: Installation,
): Promise<(Prepared & { readonly file: PolicyFile | null }) | null> {
  const file = values.policy === undefined ? null : readPolicyFile(values.policy);
  if (file !== null && !file.ok) {
    tell(`openshell: ${file.error}`);
    return null;
  }
  const prepared = await prepare({
    policy: file?.value ?? null,
    operator,
    workdir: workdirOf(values),
    installation,
    ownFiles: ownFiles(values),
  });
  if (!prepared.ok) {
    for (const line of prepared.error.lines) tell(line);
    return null;
  }
  if (values.quiet !== true) {
    for (const line of prepared.value.warnings) tell(line);
    for (const note of [...prepared.value.plan.warnings, ...secretWarnings(values)])
      tell(`openshell: warning: ${note}`);
    for (const layer of degradedLayers(prepared.value.plan)) tell(`openshell: degraded: ${layer}`);
  }
  return { ...prepared.value, file: file?.value ?? null };
}

/** Whether there is a file to read again, and something that is judged by it. */
const reloadable = (file: PolicyFile | null, { egress }: Plan): file is PolicyFile =>
  file !== null && file.path !== null && egress.mode !== 'allow';

/** A clause. */
async function watchProblem(reload: ReloadWish | null, plan: Plan): Promise<string | null> {
  if (reload === null)
    return plan.egress.mode === 'allow'
      ? 'with `--network allow` no rule of the policy is asked while the program runs'
      : 'there is no policy file to watch; name one with `--policy FILE`';
  const { reachProblem } = await import('../session/reload.late.ts');
  return reachProblem(plan, reload.policy.path!);
}

function onBadPolicyOf({ 'on-bad-policy': text }: Values): OnBadPolicy {
  if (text === undefined || text === 'keep' || text === 'quarantine') return text ?? 'keep';
  throw new UsageError(`--on-bad-policy ${text}: expected keep or quarantine`);
}

/** Event and environment files, guardrails: the workload must not write what the operator reads later. */
function ownFiles({ events, 'env-file': environment = [], guardrail = [] }: Values): string[] {
  const given = [...environment.map((path) => resolve(path)), ...guardrailFiles(guardrail)];
  if (events === undefined || events === '-') return given;
  createFile(events);
  return [resolve(events), ...given];
}

/** Only what exists when the plan is made can be protected. Why it cannot be made is said when it is opened. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch {}
}

function terminalOf(values: Values): boolean {
  if (values.tty === true && values['no-tty'] === true)
    throw new UsageError('--tty and --no-tty contradict each other');
  const both = isatty(0) && isatty(1);
  if (values.tty === true && !both)
    throw new UsageError('--tty needs a terminal on standard input and output');
  return values['no-tty'] === true ? false : both;
}

const SECRET_NAME = /(SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY)/i;

function secretWarnings(values: Values): string[] {
  return (values.env ?? [])
    .filter((entry) => entry.includes('='))
    .map((entry) => entry.slice(0, entry.indexOf('=')))
    .filter((name) => SECRET_NAME.test(name))
    .map(
      (name) =>
        `--env ${name}: a secret in an argument is visible to every process of this host; use \`--env ${name}\` or --env-file`,
    );
}

const degradedLayers = (plan: Plan): string[] =>
  plan.report
    .filter(({ required, state }) => required && state !== 'enforced')
    .map(({ layer, state, detail }) => `${layer} is ${state}: ${detail}`);

const variable = (environment: readonly string[], name: string): string =>
  environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
