// What inspected TLS costs in certificates: loading the bundle and making the authority, both before the program starts,
// and leaves per second, each for another host.
import { spawnSync } from 'node:child_process';

const ROUNDS = 15;
const LEAVES = 500;
const CODE = `const began = performance.now();
const { makeTrust } = require(process.argv[1]).load('trust');
const loaded = performance.now();
const { authority } = makeTrust([]);
const made = performance.now();
for (let i = 0; i < ${LEAVES}; i += 1) authority.leafFor('host-' + i + '.test');
const rate = ${LEAVES} / (performance.now() - made) * 1000;
console.log(JSON.stringify({ load: loaded - began, create: made - loaded, rate }));`;

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
const rounds = Array.from({ length: ROUNDS }, () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['-e', CODE, `${process.cwd()}/dist/openshell.cjs`],
    { env, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
});
const of = (name) => median(rounds.map((round) => round[name]));
console.log(
  `load ${of('load').toFixed(1)} ms, authority ${of('create').toFixed(1)} ms, ${of('rate').toFixed(0)} leaves per second`,
);
