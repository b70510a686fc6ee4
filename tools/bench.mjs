// What a start costs: openshell as a whole process beside `node -e 0` and bubblewrap, interleaved in one run, since only
// the ratios mean anything on another machine; then our own part, from the plan handed over to the program running; then
// direct connections beside bare ones.
// `--rounds N` (40), `--output json`. Times are in milliseconds. Nothing here fails because something is slow.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { directRows, measureDirect } from './bench-direct.mjs';
import { loadTypeScript } from './load-typescript.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const WARM_UP = 3;
/** Far more than the launcher takes to make its namespaces. */
const READY_MS = 30;
const openshell = join(root, 'dist', 'openshell.cjs');
const launcher = join(root, 'launcher', 'bin', 'openshell-launcher');

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, output: { type: 'string', default: 'text' } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) stop('--rounds: expected a number from 1');
if (values.output !== 'text' && values.output !== 'json') stop('--output: expected text or json');
if (!existsSync(openshell) || !existsSync(launcher))
  stop('nothing is built: run `node tools/build-launcher.mjs && node tools/build.mjs`');

const scratch = mkdtempSync(join(tmpdir(), 'openshell-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const project = join(scratch, 'home', 'project');
const cache = join(scratch, 'cache');
const policy = join(scratch, 'policy.yaml');
mkdirSync(project, { recursive: true });
writeFileSync(
  policy,
  [
    'version: 1',
    'filesystem_policy: {include_workdir: true, read_only: [/usr, /etc, /opt]}',
    'network_policies:',
    '  code:',
    '    endpoints: [{host: api.github.com, port: 443}, {host: "*.githubusercontent.com", port: 443}]',
    '    binaries: [{path: /usr/bin/git}, {path: /usr/bin/curl}]',
    '  packages:',
    '    endpoints: [{host: registry.npmjs.org, port: 443}]',
    '    binaries: [{path: /usr/bin/node}]',
    '',
  ].join('\n'),
);
// NODE_EXTRA_CA_CERTS would cost each start of Node some 40 ms.
const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: join(scratch, 'home'), XDG_CACHE_HOME: cache };

const CASES = [
  { name: '/bin/true', argv: ['/bin/true'] },
  { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
  { name: 'bwrap', argv: ['bwrap', '--unshare-all', '--ro-bind', '/', '/', 'true'] },
  { name: 'openshell, default policy', argv: [openshell, 'run', '--', '/bin/true'] },
  { name: 'openshell, policy file', argv: [openshell, 'run', '--policy', policy, '--', '/bin/true'] },
  { name: 'openshell, nothing cached', argv: [openshell, 'run', '--', '/bin/true'], cold: true },
  {
    name: 'openshell, policy file, nothing cached',
    argv: [openshell, 'run', '--policy', policy, '--', '/bin/true'],
    cold: true,
  },
];

function stop(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}

/** Milliseconds from the start of a process to its end. */
function timeOf({ name, argv: [program, ...args], cold }) {
  // A cache of its own, so that the other cases do not pay for it.
  const cached = cold ? join(scratch, 'cold') : cache;
  if (cold) rmSync(cached, { recursive: true, force: true });
  const options = {
    cwd: project,
    env: { ...env, XDG_CACHE_HOME: cached },
    stdio: ['ignore', 'ignore', 'pipe'],
  };
  const begin = performance.now();
  const { status, error, stderr } = spawnSync(program, args, options);
  const time = performance.now() - begin;
  if (error !== undefined || status !== 0)
    throw new Error(`${name} failed: ${error?.message ?? `exit code ${status}: ${stderr}`}`);
  return time;
}

function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  return { min: sorted[0], median: at(0.5), p95: at(0.95) };
}

/** Runs every case once in each round, so that whatever the machine does meanwhile meets all of them. */
function measureStarts() {
  const usable = CASES.filter(({ name, argv: [program] }) => {
    const { error } = spawnSync(program, ['--version'], { env, stdio: 'ignore' });
    if (error !== undefined) console.error(`bench: without ${name}: \`${program}\` is not installed`);
    return error === undefined;
  });
  const samples = new Map(usable.map(({ name }) => [name, []]));
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (const one of usable) {
      const time = timeOf(one);
      if (round >= 0) samples.get(one.name).push(time);
    }
  }
  return [...samples].map(([name, times]) => ({ name, ...summary(times) }));
}

/**
 * One launch of a plan that is there already. `ready`: the launcher was started before and has made its namespaces, as
 * in a run, which prepares its plan meanwhile; else the start of the launcher is part of the time.
 */
async function launchOnce({ startLauncher }, document, request, namespaces, ready) {
  let begin = performance.now();
  const waiting = startLauncher({ launcher, withChannel: false, namespaces });
  if (ready) {
    await new Promise((resolve) => setTimeout(resolve, READY_MS));
    begin = performance.now();
  }
  return new Promise((resolve, reject) => {
    let running = Number.NaN;
    waiting.launch(document, request, {
      report: ({ kind, failure }) => {
        if (kind === 'started') running = performance.now() - begin;
        if (kind === 'failed') reject(new Error(`the launch failed at step ${failure.step}`));
      },
      listener: () => {},
      ended: (problem) =>
        problem === null
          ? resolve({ running, ended: performance.now() - begin })
          : reject(new Error(problem)),
    });
  });
}

async function measureLauncher() {
  const module = await loadTypeScript(join(root, 'src/launch/launcher.ts'));
  const { encodePlan } = await loadTypeScript(join(root, 'src/plan/encode.ts'));
  const printed = spawnSync(openshell, ['plan', '--output', 'json'], {
    cwd: project,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (printed.status !== 0) throw new Error(`openshell plan failed: ${printed.stderr}`);
  const plan = JSON.parse(printed.stdout);
  const document = encodePlan(plan, (text) => Buffer.from(text, 'utf8'));
  const request = {
    command: ['/bin/true'],
    environment: [],
    searchPath: '/bin',
    terminal: false,
    cgroup: null,
  };
  const samples = new Map();
  const add = (name, time) => samples.set(name, [...(samples.get(name) ?? []), time]);
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (const ready of [true, false]) {
      const { running, ended } = await launchOnce(module, document, request, plan.namespaces, ready);
      if (round < 0) continue;
      const from = ready ? 'plan handed over' : 'launcher started';
      add(`${from} to program running`, running);
      add(`${from} to everything ended`, ended);
    }
  }
  return [...samples].map(([name, times]) => ({ name, ...summary(times) }));
}

const ratio = (one, other) => (one === undefined || other === undefined ? null : one.median / other.median);

function withRatios(starts) {
  const find = (name) => starts.find((one) => one.name === name);
  return starts.map((one) => ({
    ...one,
    toNode: ratio(one, find('node -e 0')),
    toBwrap: ratio(one, find('bwrap')),
  }));
}

function printTable(rows, columns) {
  const cell = (value) => (typeof value === 'number' ? value.toFixed(2) : (value ?? '-'));
  const lines = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, key]) => cell(row[key]))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  for (const line of lines)
    console.log(
      line.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  '),
    );
}

const starts = withRatios(measureStarts());
const handedOver = await measureLauncher();
const direct = directRows(await measureDirect({ openshell, env, cwd: project, rounds: Math.min(rounds, 5) }));
const host = { kernel: release(), node: process.version, cpus: cpus().length, uid: process.getuid() };
if (values.output === 'json') {
  console.log(JSON.stringify({ host, rounds, unit: 'ms', starts, launcher: handedOver, direct }, null, 2));
} else {
  const shown = [
    ['min', 'min'],
    ['median', 'median'],
    ['p95', 'p95'],
  ];
  console.log(
    `${rounds} rounds, Linux ${host.kernel}, Node ${host.node}, ${host.cpus} processors, uid ${host.uid}; ms\n`,
  );
  printTable(starts, [['start to end', 'name'], ...shown, ['/ node', 'toNode'], ['/ bwrap', 'toBwrap']]);
  console.log('');
  printTable(handedOver, [['our own part', 'name'], ...shown]);
  console.log('');
  printTable(direct, [
    ['direct connections', 'name'],
    ['outside', 'bare'],
    ['inside', 'direct'],
    ['inside / outside', 'ratio'],
    ['platform', 'platform'],
    ['platform / outside', 'platformRatio'],
  ]);
}
