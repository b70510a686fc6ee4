// What a direct connection costs: the same client, outside and inside, against one server on loopback. Inside it goes
// by its name through policy DNS and the warden. Microseconds for a connect, the first to a destination (which the supervisor
// is asked about) and the next, connections with one request per second, and megabytes per second of one connection. In
// both tiers; by Node, as programs are, and by a client and a server in C that cost as little as they can.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SERVER = `const big = Buffer.alloc(1 << 20);
require('net').createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (data) => {
    if (data[0] === 71) return void socket.end('HTTP/1.0 200 OK\\r\\n\\r\\nhello');
    let left = 512;
    const more = () => { while (left-- > 0) if (!socket.write(big)) return; socket.end(); };
    socket.on('drain', more); more();
  });
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;

/** Destinations that are connected to for the first time: ports of the one host. */
const FIRSTS = 200;
const FIRST_PORT = 2000;

const CLIENT = `const { connect } = require('net'); const { lookup } = require('dns');
const [host, port, count, spare, first] = process.argv.slice(1);
const open = []; for (let i = 0; i < spare; i += 1) open.push(require('fs').openSync('/dev/null'));
const now = () => Number(process.hrtime.bigint()) / 1000;
lookup(host, { family: 4 }, async (error, address) => {
  if (error) throw error;
  const once = (text, measure, to = port) => new Promise((resolve, reject) => {
    const began = now(); let bytes = 0;
    const socket = connect(Number(to), address, () => { measure.connect?.push(now() - began); socket.write(text); });
    socket.on('data', (data) => { bytes += data.length; }).on('error', reject).on('close', () => resolve(bytes));
  });
  for (let i = 0; i < 20; i += 1) await once('GET / HTTP/1.0\\r\\n\\r\\n', {});
  const firsts = [];
  for (let i = 0; i < ${FIRSTS}; i += 1) await once('GET / HTTP/1.0\\r\\n\\r\\n', { connect: firsts }, first === '0' ? port : Number(first) + i);
  const times = []; const began = now();
  for (let i = 0; i < count; i += 1) await once('GET / HTTP/1.0\\r\\n\\r\\n', { connect: times });
  const rate = (count / (now() - began)) * 1e6;
  const from = now(); const bytes = await once('bulk', {});
  const at = (list, part) => list.sort((a, b) => a - b)[Math.floor(list.length * part)];
  console.log(JSON.stringify({ first50: at(firsts, 0.5), first99: at(firsts, 0.99), p50: at(times, 0.5), p99: at(times, 0.99), rate, throughput: bytes / (now() - from) }));
});`;

/** The smallest program of the two, compiled into `directory`. */
function compiled(directory) {
  const source = join(dirname(fileURLToPath(import.meta.url)), 'load', 'connects.c');
  const output = join(directory, 'connects');
  const { status, stderr } = spawnSync('gcc', ['-O2', '-o', output, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`gcc: ${stderr}`);
  return output;
}

/** Interleaved; the median of the rounds for times, and for rates the best: what else the machine does only takes away. `spare`: further open descriptors of the client. */
export async function measureDirect({ openshell, env, cwd, rounds = 5, count = 500 }) {
  const connects = compiled(cwd);
  const pairs = [
    {
      by: 'Node',
      server: [process.execPath, '-e', SERVER],
      client: [process.execPath, '-e', CLIENT, '--'],
      count,
    },
    { by: 'C', server: [connects, 'serve'], client: [connects, 'client'], count: 4 * count },
  ];
  const results = [];
  for (const pair of pairs) results.push(...(await measurePair(pair, { openshell, env, cwd, rounds })));
  return results;
}

async function measurePair({ by, server: serve, client, count }, { openshell, env, cwd, rounds }) {
  const server = spawn(serve[0], serve.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise((resolve) =>
    server.stdout.once('data', (data) => resolve(String(data).trim())),
  );
  const run = (argv) => {
    const { stdout, stderr, status } = spawnSync(argv[0], argv.slice(1), { env, cwd, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    return JSON.parse(stdout);
  };
  const ports = [80, ...Array.from({ length: FIRSTS }, (_, i) => FIRST_PORT + i)];
  const options = [
    '--quiet',
    ...ports.flatMap((one) => [
      '--allow',
      `bench.test:${one}`,
      '--connect-to',
      `bench.test:${one}:127.0.0.1:${port}`,
    ]),
  ];
  const inside = (tier) => [openshell, 'run', '--tier', tier, ...options, '--'];
  try {
    return [10, 2000].map((spare) => {
      const bare = [];
      const direct = [];
      const platform = [];
      for (let i = 0; i < rounds; i += 1) {
        bare.push(run([...client, '127.0.0.1', port, count, spare, 0].map(String)));
        for (const [tier, list] of [
          ['namespaces', direct],
          ['platform', platform],
        ])
          list.push(
            run([...inside(tier), ...client, 'bench.test', 80, count, spare, FIRST_PORT].map(String)),
          );
      }
      return { by, spare, bare: summary(bare), direct: summary(direct), platform: summary(platform) };
    });
  } finally {
    server.kill();
  }
}

function summary(rows) {
  const middle = (key) => rows.map((row) => row[key]).sort((a, b) => a - b)[rows.length >> 1];
  const best = (key) => Math.max(...rows.map((row) => row[key]));
  return {
    first50: middle('first50'),
    first99: middle('first99'),
    p50: middle('p50'),
    p99: middle('p99'),
    rate: best('rate'),
    throughput: best('throughput'),
  };
}

/** Rows for people: outside, inside, and the ratio that counts (more is better for rates, less for times). */
export const directRows = (results) =>
  results.flatMap(({ by, spare, bare, direct, platform }) =>
    [
      ['first connect p50, us', 'first50'],
      ['first connect p99, us', 'first99'],
      ['next connect p50, us', 'p50'],
      ['next connect p99, us', 'p99'],
      ['connection and one request, per second', 'rate'],
      ['one connection, MB/s', 'throughput'],
    ].map(([what, key]) => ({
      name: `${by}: ${what} (${spare} open files)`,
      bare: bare[key],
      direct: direct[key],
      ratio: direct[key] / bare[key],
      platform: platform[key],
      platformRatio: platform[key] / bare[key],
    })),
  );
