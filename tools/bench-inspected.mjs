// What looking at requests costs: one cheap client (tools/load) inside a sandbox, by the proxy, beside the same client
// outside, straight to the same server; rounds are interleaved, medians and their ratios count. Needs Go and openssl.
// `node tools/bench-inspected.mjs [PART…]`: rates (default), events, srt, memory, tunnels. `--rounds N` (5), `--seconds S` (4).
// For srt: `npm install --prefix DIR @anthropic-ai/sandbox-runtime@0.0.78` and `--srt DIR`; Debian's socat, ripgrep, bubblewrap.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    srt: { type: 'string' },
    tunnels: { type: 'string', default: '10000' },
  },
});
const rounds = Number(values.rounds);
const openshell = resolve('dist/openshell.cjs');
const scratch = mkdtempSync(join(tmpdir(), 'openshell-inspected-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const project = join(scratch, 'home', 'project');
mkdirSync(project, { recursive: true });
const client = join(project, 'load');
const cert = join(project, 'cert.pem');
const env = { PATH: process.env.PATH, HOME: join(scratch, 'home'), XDG_CACHE_HOME: join(scratch, 'cache') };

run('go', ['build', '-o', client, resolve('tools/load/load.go')], { ...process.env, CGO_ENABLED: '0' });
run('openssl', [
  ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench.test'.split(' '),
  ...[
    '-addext',
    'subjectAltName=DNS:bench.test,IP:127.0.0.1',
    '-keyout',
    join(scratch, 'key.pem'),
    '-out',
    cert,
  ],
]);
/** Starts a server for as long as this runs. @returns its port, which it prints */
function serving(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => child.kill());
  return new Promise((done) => child.stdout.once('data', (data) => done(Number(data))));
}
const key = join(scratch, 'key.pem');
const port = await serving(client, ['serve', cert, key]);
const barePort = await serving(process.execPath, [resolve('tools/load/bare-proxy.mjs'), cert, key, port]);

/** @param more rules besides, none of which is about what is asked */
function policy(name, more, protocol = 'protocol: rest') {
  const path = join(scratch, name);
  const rules = Array.from(
    { length: 10 + more },
    (_, i) => `          - allow: { method: GET, path: "/v2/part${i}/*/x" }`,
  );
  writeFileSync(
    path,
    `version: 1
filesystem_policy: { include_workdir: true, read_only: [/usr, /etc] }
network_policies:
  bench:
    endpoints:
      - host: bench.test
        port: 443
${
  protocol === ''
    ? ''
    : `        ${protocol}
        rules:
          - allow: { method: GET, path: "/v1/**" }
${rules.join('\n')}
`
}    binaries: [{ path: "/**" }]
`,
  );
  return path;
}

function run(program, args, environment = env, options = {}) {
  const result = spawnSync(program, args, { cwd: project, env: environment, encoding: 'utf8', ...options });
  if (result.status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${result.error ?? ''} ${result.stderr}`);
  return result.stdout.trim();
}

const outside = (mode, ...args) =>
  Number(
    run(client, [mode, 'bench.test:443', `127.0.0.1:${port}`, ...args], { ...env, SSL_CERT_FILE: cert }),
  );
/** By a proxy that does the least, outside as well. */
const byBare = (mode, ...args) =>
  Number(
    run(client, [mode, 'bench.test:443', ...args], {
      ...env,
      SSL_CERT_FILE: cert,
      HTTPS_PROXY: `http://127.0.0.1:${barePort}`,
    }),
  );
const sandbox = (file, options = []) => [
  ...['run', '--quiet', '--policy', file, '--upstream-ca', cert],
  ...['--connect-to', `bench.test:443:127.0.0.1:${port}`, ...options, '--', client],
];
const inside = (file, mode, options, ...args) =>
  Number(run(openshell, [...sandbox(file, options), mode, 'bench.test:443', ...args]));

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Medians of each, measured in turns. */
function interleaved(cases) {
  const samples = cases.map(() => []);
  for (let round = 0; round < rounds; round += 1)
    for (const [i, { measure }] of cases.entries()) samples[i].push(measure());
  return samples.map(median);
}

function compare(cases, unit = '/s') {
  const [base, ...others] = interleaved(cases);
  console.log(`${cases[0].name.padEnd(58)} ${base.toFixed(0).padStart(8)} ${unit}`);
  for (const [i, value] of others.entries())
    console.log(
      `${cases[i + 1].name.padEnd(58)} ${value.toFixed(0).padStart(8)} ${unit}  ratio ${(value / base).toFixed(3)}`,
    );
}

const few = policy('few.yaml', 0);
const { seconds } = values;

/** Megabytes that a process has in memory. */
const memoryOf = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Memory of the supervisor while the client does what it is told, some time after it has begun. */
async function memoryDuring(file, mode, options, count, ms) {
  const child = spawn(openshell, [...sandbox(file, options), mode, 'bench.test:443', `${count}`], {
    cwd: project,
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const failed = new Promise((_, fail) =>
    child.once('exit', () => fail(new Error(`${mode} ${count} failed`))),
  );
  failed.catch(() => {});
  if (mode === 'hold') await Promise.race([failed, new Promise((done) => child.stdout.once('data', done))]);
  await pause(ms);
  const used = memoryOf(child.pid);
  child.stdin.end();
  if (mode !== 'hold') child.kill();
  await new Promise((done) => child.once('exit', done));
  return used;
}

async function perConnection(what, file, options, few, many) {
  const less = await memoryDuring(file, 'hold', options, few, 3000);
  const more = await memoryDuring(file, 'hold', options, many, 3000);
  const each = ((more - less) * 1024) / (many - few);
  console.log(
    `${what}: ${each.toFixed(1)} KiB each (${few}: ${less.toFixed(0)} MiB, ${many}: ${more.toFixed(0)} MiB)`,
  );
}

const TRUSTED = ['--env', `SSL_CERT_FILE=${cert}`];

const PARTS = {
  rates() {
    const many = policy('many.yaml', 1000);
    const opaque = policy('opaque.yaml', 0, '');
    for (const [mode, what] of [
      ['kept', 'requests by TLS, 16 kept connections'],
      ['new', 'new TLS connection for each request, 16 at once'],
    ])
      compare([
        { name: `${what}: direct`, measure: () => outside(mode, seconds) },
        { name: '  by a bare proxy of node:http and undici', measure: () => byBare(mode, seconds) },
        { name: '  inspected', measure: () => inside(few, mode, [], seconds) },
        { name: '  inspected, 1,000 more rules', measure: () => inside(many, mode, [], seconds) },
        {
          name: '  not inspected (tunnel)',
          measure: () => inside(opaque, mode, TRUSTED, seconds),
        },
      ]);
    compare(
      [
        { name: '1 GB in one answer: direct', measure: () => outside('bulk', '1000000000') },
        { name: '  by a bare proxy of node:http and undici', measure: () => byBare('bulk', '1000000000') },
        { name: '  inspected', measure: () => inside(few, 'bulk', [], '1000000000') },
      ],
      'MB/s',
    );
  },
  srt() {
    const settings = join(scratch, 'srt.json');
    const network = { allowedDomains: [`127.0.0.1:${port}`], deniedDomains: [], tlsTerminate: {} };
    const filesystem = { denyRead: [], allowWrite: [project], denyWrite: [] };
    writeFileSync(settings, JSON.stringify({ network, filesystem }));
    const cli = resolve(values.srt, 'node_modules/@anthropic-ai/sandbox-runtime/dist/cli.js');
    const command = (mode) => `${client} ${mode} 127.0.0.1:${port} ${seconds}`;
    const srt = (mode) =>
      Number(
        run(process.execPath, [cli, '--settings', settings, '-c', command(mode)], {
          ...env,
          NODE_EXTRA_CA_CERTS: cert,
        }),
      );
    for (const mode of ['kept', 'new'])
      compare([
        { name: `${mode}: sandbox-runtime, TLS ended at its proxy`, measure: () => srt(mode) },
        { name: '  inspected', measure: () => inside(few, mode, [], seconds) },
      ]);
  },
  async memory() {
    await perConnection('idle inspected connections', few, [], 100, 900);
    for (const ms of [700, 2500, 4500]) {
      const used = await memoryDuring(few, 'bulk', [], 100_000_000_000, ms);
      console.log(`one endless answer after ${ms} ms: ${used.toFixed(0)} MiB`);
    }
  },
  async tunnels() {
    await perConnection('idle tunnels', policy('opaque.yaml', 0, ''), TRUSTED, 100, Number(values.tunnels));
  },
  events() {
    const events = join(scratch, 'events.jsonl');
    compare([
      { name: 'inspected, 16 kept connections', measure: () => inside(few, 'kept', [], seconds) },
      {
        name: '  the same with --events FILE',
        measure: () => inside(few, 'kept', ['--events', events], seconds),
      },
    ]);
  },
};

for (const part of positionals.length > 0 ? positionals : ['rates']) {
  if (PARTS[part] === undefined) throw new Error(`${part} is none of ${Object.keys(PARTS).join(', ')}`);
  await PARTS[part]();
}
process.exit(0);
