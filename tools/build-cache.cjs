// Writes dist/*.cache: does what a first start does, so that the caches hold those functions, compiled.
const { mkdtempSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { basename, resolve } = require('node:path');
const { warmInspection } = require('./warm-inspection.cjs');

const dist = resolve('dist');
// Nothing of the builder's home is read or written.
process.env.XDG_CACHE_HOME = mkdtempSync(resolve(tmpdir(), 'openshell-build-'));
const scripts = new Map();
globalThis.openshellScripts = scripts;
for (const file of readdirSync(dist)) if (file.endsWith('.cjs')) require(resolve(dist, file));

const EXAMPLE = `version: 1
filesystem_policy: { include_workdir: true, read_only: [/usr, /lib, /etc] }
network_policies:
  example:
    endpoints: [{ host: example.com, port: 443 }, { host: "*.example.org", ports: [80, 443] }]
    binaries: [/usr/bin/curl, { path: "/usr/lib/**", ancestors: false }]
`;
const operator = {
  read: [],
  write: [],
  allow: [],
  network: null,
  home: null,
  user: null,
  environment: [],
  credentials: null,
  inference: null,
  acceptDegraded: false,
  tier: 'auto',
  netlinkEnumerate: false,
};
const installation = { root: resolve('.'), launcher: null, ownFiles: [] };

async function warmUp() {
  const { prepareAndRemember } = require(resolve(dist, 'prepare.cjs'));
  for (const policy of [null, { name: 'example.yaml', path: null, text: EXAMPLE }]) {
    // Without a launcher it ends in a refusal, after everything else was done.
    await prepareAndRemember(
      { policy, operator, workdir: '/usr/share', installation, ownFiles: [] },
      'build',
    );
  }
}

// At last a run as users start it, as far as this host lets it come; it ends by process.exit.
process.on('exit', () => {
  for (const [name, script] of scripts)
    writeFileSync(resolve(dist, `${basename(name)}.cache`), script.createCachedData());
  rmSync(process.env.XDG_CACHE_HOME, { recursive: true, force: true });
  process.exitCode = 0;
});
/** A build does not wait for what hangs, nor fail for it: the cache is only less warm. */
const tried = (work) =>
  Promise.race([work, new Promise((done) => setTimeout(done, 10_000).unref())]).catch((error) =>
    console.error(`openshell: built with a colder code cache: ${error.message}`),
  );
async function warmAll() {
  await warmUp();
  await tried(warmInspection(dist));
}
warmAll().then(() => {
  process.argv = [process.argv[0], resolve(dist, 'openshell.cjs'), 'run', '--quiet', '--', '/bin/true'];
  require(resolve(dist, 'openshell.cjs')).load('main');
});
