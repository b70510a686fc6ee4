// What judging a request costs, and what 1,000 more rules add: nanoseconds for a decision, and their ratio. Rounds of the
// two are interleaved, the median counts. `node tools/bench-requests.mjs [rounds]`
import { buildSync } from 'esbuild';

const source = `
export { requestFacts } from './src/inspect/request-facts.ts';
export { decideRequest } from './src/match/decide-request.ts';
export { buildIndex } from './src/match/egress-index.ts';
export { normaliseHost } from './src/match/host.ts';`;
const { outputFiles } = buildSync({
  stdin: { contents: source, resolveDir: '.', loader: 'ts' },
  bundle: true,
  format: 'esm',
  write: false,
});
const { requestFacts, decideRequest, buildIndex, normaliseHost } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
);

const rule = (method, path, index, query = []) => ({ index, line: null, method, path, query });
const endpoint = (index, host, allow, more = {}) => ({
  index,
  line: null,
  host,
  hostKind: 'name',
  ports: [443],
  allowedIps: [],
  transport: 'tcp',
  inspection: {
    protocol: 'rest',
    tls: 'terminate',
    enforcement: 'enforce',
    allowEncodedSlash: false,
    path: null,
    allow: allow.map(([method, path, query], i) => rule(method, path, i, query)),
    deny: [rule('*', '/admin/**', 0)],
    messages: null,
    ...more,
  },
});
const BINARY = { pattern: '/usr/bin/*', resolved: null, ancestors: true, sha256: null };
const policy = (key, endpoints, binaries = [BINARY]) => ({
  key,
  name: key,
  index: 0,
  line: null,
  binaries,
  endpoints,
});
const range = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const BASE = [
  ['GET', '/v1/**'],
  ['POST', '/v1/search'],
  ['PUT', '/items/*'],
];
const inOne = (make) => (count) => [policy('a', [endpoint(0, 'api.test', [...BASE, ...range(count, make)])])];

const CASES = {
  'literal paths': inOne((i) => ['GET', `/x${i}/y`]),
  'wildcards below them': inOne((i) => ['GET', `/v1/x${i}/*/z`]),
  'partial components': inOne((i) => ['GET', `/v1/x${i}-*`]),
  'patterns after **': inOne((i) => ['GET', `/**/x${i}`]),
  'one parameter each': inOne((i) => ['POST', '/v1/search', [{ name: 'id', anyOf: [`${i}`] }]]),
  'endpoints by path': (count) => [
    policy('a', [
      endpoint(0, 'api.test', BASE),
      ...range(count, (i) => endpoint(i + 1, 'api.test', [['*', '**']], { path: `/s${i}/**` })),
    ]),
  ],
  'policies of one host': (count) => [
    policy('a', [endpoint(0, 'api.test', BASE)]),
    ...range(count, (i) =>
      policy(`p${i}`, [endpoint(0, 'api.test', [['*', '**']])], [{ ...BINARY, pattern: `/opt/p${i}` }]),
    ),
  ],
  'other hosts': (count) => [
    policy('a', [endpoint(0, 'api.test', BASE)]),
    ...range(count, (i) => policy(`p${i}`, [endpoint(0, `h${i}.test`, [['*', '**']])])),
  ],
};
const TARGETS = [
  ['GET', '/v1/things/42?a=b'],
  ['POST', '/v1/search?q=x'],
  ['GET', '/admin/x'],
  ['DELETE', '/nothing'],
];

const identity = { pid: 1, executable: { path: '/usr/bin/curl', sha256: 'a'.repeat(64) }, ancestors: [] };
const { value: host } = normaliseHost('api.test');
const DECISIONS = 20_000;

function measure(index) {
  const began = process.hrtime.bigint();
  for (let i = 0; i < DECISIONS; i += 1) {
    const [method, target] = TARGETS[i & 3];
    const { value: facts } = requestFacts({ method, target });
    decideRequest(index, { host, port: 443, identity, facts });
  }
  return Number(process.hrtime.bigint() - began) / DECISIONS;
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const rounds = Number(process.argv[2] ?? 11);
for (const [name, make] of Object.entries(CASES)) {
  const indexes = [10, 1010].map((count) =>
    buildIndex({ mode: 'proxy', proxyPort: 3128, pin: 'connect', policies: make(count) }),
  );
  for (const index of indexes) measure(index);
  const times = [[], []];
  for (let round = 0; round < rounds; round += 1)
    for (const [i, index] of indexes.entries()) times[i].push(measure(index));
  const [few, many] = times.map(median);
  console.log(
    `${name.padEnd(22)} ${few.toFixed(0).padStart(6)} ns  +1,000 rules ${many.toFixed(0).padStart(6)} ns  ratio ${(many / few).toFixed(2)}`,
  );
}
