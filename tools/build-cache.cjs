// Writes dist/*.cache: does what a first start does, so that the caches hold those functions, compiled.
const { readdirSync, writeFileSync } = require('node:fs');
const { basename, resolve } = require('node:path');

const dist = resolve('dist');
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
  acceptDegraded: false,
  netlinkEnumerate: false,
};
const kernel = {
  release: '6.18.0',
  landlockAbi: 7,
  namespacesProblem: null,
  notifyProblem: null,
  waitKillable: true,
  perUserNamespaceProcessCount: true,
};
const caller = {
  uid: 1000,
  gid: 1000,
  userName: 'user',
  groupName: 'user',
  home: '/home/user',
  workdir: '/usr/share',
};
const installation = { root: resolve('.'), launcher: null, ownFiles: [] };

async function warmUp() {
  const { prepareAnew } = require(resolve(dist, 'prepare.cjs'));
  for (const policy of [null, { name: 'example.yaml', path: null, text: EXAMPLE }]) {
    const input = { policy, operator, workdir: caller.workdir, installation, ownFiles: [] };
    const prepared = await prepareAnew(input, { arch: 'x86_64', kernel, caller, ownFiles: [] });
    if (!prepared.ok) throw new Error(prepared.error.lines.join('\n'));
  }
}

// At last a run as users start it, as far as this host lets it come; it ends by process.exit.
process.on('exit', () => {
  for (const [name, script] of scripts)
    writeFileSync(resolve(dist, `${basename(name)}.cache`), script.createCachedData());
  process.exitCode = 0;
});
warmUp().then(() => {
  process.argv = [process.argv[0], resolve(dist, 'openshell.cjs'), 'run', '--quiet', '--', '/bin/true'];
  require(resolve(dist, 'openshell.cjs')).load('main');
});
