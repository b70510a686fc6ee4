// Sets up and runs every test that this machine can run, and ends with `N passed, N failed`. Unit tests run as whoever
// starts this; host tests run as an ordinary user (made here when root), because that is what the product is for, and
// then, when root, those marked for root again.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const TEST_USER = 'openshell-test';
const isRoot = process.getuid() === 0;
const scratch = mkdtempSync(join(tmpdir(), 'openshell-test-'));
chmodSync(scratch, 0o755);
/** Written by whoever runs the tests. */
const reports = join(scratch, 'reports');
mkdirSync(reports);
chmodSync(reports, 0o1777);
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Real programs once more in the other tier; other tests of it name it themselves. */
const PLATFORM = { tier: 'platform', filter: ['test/programs'] };

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: root, ...options });
  if (error) throw error;
  return status === 0;
}

/** Runs one project of vitest and returns what it counted. */
function vitest(project, { cwd = root, user = null, role = 'user', tier = 'namespaces', filter = [] } = {}) {
  const report = join(reports, `${project}-${role}-${tier}.json`);
  const env = { ...process.env, OPENSHELL_TEST_ROLE: role, OPENSHELL_TEST_TIER: tier };
  // Costs every start of Node some 40 ms, and is none of the product's business.
  delete env.NODE_EXTRA_CA_CERTS;
  const options = { cwd, env };
  if (user !== null) {
    env.HOME = user.home;
    env.USER = TEST_USER;
    env.LOGNAME = TEST_USER;
    delete env.XDG_CACHE_HOME;
    options.uid = user.uid;
    options.gid = user.gid;
  }
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--configLoader',
    'runner',
    '--project',
    project,
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...filter,
  ];
  console.log(
    `running the ${project} tests${user === null ? '' : ` as ${TEST_USER}`}${role === 'root' ? ' as root' : ''}${tier === 'platform' ? ' in the platform tier' : ''}`,
  );
  const { stderr } = spawnSync(process.execPath, args, {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (!existsSync(report)) {
    console.error(stderr);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  return count(JSON.parse(readFileSync(report, 'utf8')));
}

/** Prints what failed, and counts. A file that does not even load has no tests; it counts as one that failed. */
function count({ numPassedTests, numFailedTests, numPendingTests, testResults }) {
  let broken = 0;
  for (const { name, status, message, assertionResults } of testResults) {
    const failures = assertionResults.filter((result) => result.status === 'failed');
    for (const { fullName, failureMessages } of failures)
      console.error(`\nFAILED ${name}\n  ${fullName}\n${failureMessages.join('\n')}`);
    if (status !== 'failed' || failures.length > 0) continue;
    broken += 1;
    console.error(`\nFAILED ${name}\n${message}`);
  }
  tellSlowest(testResults);
  return { passed: numPassedTests, failed: numFailedTests + broken, skipped: numPendingTests };
}

/** Where the time goes. */
function tellSlowest(testResults) {
  const slowest = testResults
    .map(({ name, startTime, endTime }) => ({ name, seconds: Math.round((endTime - startTime) / 1000) }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 5)
    .filter(({ seconds }) => seconds > 0);
  if (slowest.length > 0)
    console.log(
      slowest.map(({ name, seconds }) => `  ${seconds} s ${name.replace(/^.*\/test\//, 'test/')}`).join('\n'),
    );
}

function testUser() {
  const id = (flag) => spawnSync('id', [flag, TEST_USER], { encoding: 'utf8' });
  if (id('-u').status !== 0 && !run('useradd', ['--create-home', '--shell', '/bin/sh', TEST_USER]))
    throw new Error('cannot create a user for the tests');
  const uid = Number(id('-u').stdout);
  const gid = Number(id('-g').stdout);
  const home = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${TEST_USER}:`))
    .split(':')[5];
  return { uid, gid, home };
}

/** The tree as the ordinary user sees it: this one where it can be read, else a copy. */
function treeFor(user) {
  const readable = spawnSync(
    'test',
    ['-r', join(root, 'package.json'), '-a', '-x', join(root, 'node_modules')],
    { uid: user.uid, gid: user.gid },
  );
  if (readable.status === 0) return root;
  const copy = join(scratch, 'tree');
  mkdirSync(copy);
  for (const name of [
    'build/programs',
    'dist',
    'examples',
    'launcher',
    'layers.json',
    'node_modules',
    'package.json',
    'schema',
    'docs',
    'src',
    'test',
    'tools',
    'tsconfig.base.json',
    'vitest.config.ts',
    'README.md',
    'ARCHITECTURE.md',
  ]) {
    if (existsSync(join(root, name)))
      cpSync(join(root, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
  }
  run('chmod', ['-R', 'a+rX', copy]);
  return copy;
}

if (!run(process.execPath, ['tools/build-launcher.mjs']) || !run(process.execPath, ['tools/build.mjs']))
  process.exit(1);
const only = process.argv.slice(2);
const counts = [];
if (only.length === 0 || only.includes('unit')) counts.push(vitest('unit'));
if (only.length === 0 || only.includes('host')) {
  if (isRoot) {
    const user = testUser();
    const cwd = treeFor(user);
    counts.push(vitest('host', { cwd, user }));
    counts.push(vitest('host', { cwd, user, ...PLATFORM }));
  } else {
    counts.push(vitest('host', { role: 'user' }));
    counts.push(vitest('host', PLATFORM));
  }
}
if (isRoot && (only.length === 0 || only.includes('root'))) counts.push(vitest('host', { role: 'root' }));

const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
if (sum('skipped') > 0) console.log(`${sum('skipped')} skipped (user ${userInfo().username})`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exit(sum('failed') === 0 && sum('passed') > 0 ? 0 : 1);
