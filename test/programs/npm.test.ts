import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from './support/certificate.ts';
import { because, find, missing, node, nodeOptions, SEARCH_PATH } from './support/host.ts';
import { type Finished, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const lacking = missing('npm', 'openssl');
const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
let secure: WebServer;
let plain: WebServer;
let certificate: Certificate;

/** Newer versions of npm run the scripts of those packages only that are named. */
const MANIFEST = JSON.stringify({ private: true, allowScripts: { small: true } });

/** A registry with one package: its document and its tarball. */
function registry(tarball: Buffer, origin: () => string): RequestListener {
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  return (request, response) => {
    if (request.url === '/small/-/small-1.2.3.tgz') {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(tarball);
    } else if (request.url === '/small') {
      const dist = { tarball: `${origin()}/small/-/small-1.2.3.tgz`, integrity };
      const version = {
        name: 'small',
        version: '1.2.3',
        main: 'index.js',
        bin: { small: 'cli.js' },
        hasInstallScript: true,
        dist,
      };
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(
          JSON.stringify({ name: 'small', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': version } }),
        );
    } else {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    }
  };
}

/** The package as `npm pack` makes it. */
function pack(): Buffer {
  scratch.write(
    'small/package.json',
    JSON.stringify({
      name: 'small',
      version: '1.2.3',
      bin: { small: 'cli.js' },
      scripts: { postinstall: "node -e \"require('fs').writeFileSync('installed', 'yes')\"" },
    }),
  );
  scratch.write('small/index.js', 'module.exports = 42;\n');
  scratch.write('small/cli.js', '#!/usr/bin/env node\nconsole.log("small", require("./index.js"));\n', 0o755);
  execFileSync(find('npm')!, ['pack', '--pack-destination', scratch.root], {
    cwd: join(scratch.root, 'small'),
    env: { PATH: SEARCH_PATH, HOME: scratch.directory('pack-home') },
    stdio: 'pipe',
  });
  return readFileSync(join(scratch.root, 'small-1.2.3.tgz'));
}

beforeAll(async () => {
  if (lacking.length > 0) return;
  certificate = makeCertificate(scratch, ['registry.test']);
  const tarball = pack();
  secure = await serve(
    registry(tarball, () => 'https://registry.test'),
    certificate,
  );
  plain = await serve(registry(tarball, () => 'http://registry.test'));
});
afterAll(() => Promise.all([secure?.close(), plain?.close()]));

function inside(script: string, registryUrl: string, port: number): Promise<Finished> {
  const policy = scratch.policy(
    `version: 1\nnetwork_policies:\n  packages:\n    endpoints: [{host: registry.test, ports: [80, 443]}]\n    binaries: [{path: ${node}}]\n`,
  );
  const variables = [
    `npm_config_registry=${registryUrl}`,
    `npm_config_cafile=${certificate.authority}`,
    'npm_config_update_notifier=false',
    'npm_config_audit=false',
    'npm_config_fund=false',
    'npm_config_fetch_retries=0',
  ];
  return openshell(
    [
      'run',
      ...nodeOptions,
      ...['--policy', policy, '--read', certificate.authority],
      ...variables.flatMap((variable) => ['--env', variable]),
      ...['--connect-to', `registry.test:443:127.0.0.1:${secure.port}`],
      ...['--connect-to', `registry.test:80:127.0.0.1:${port}`],
      ...['--', 'sh', '-ec', script],
    ],
    here,
  );
}

describe.skipIf(lacking.length > 0)(`npm${because(lacking)}`, () => {
  it.each([
    ['https', 'https://registry.test/'],
    ['http', 'http://registry.test/'],
  ])('installs a package from the registry that the policy lists, over %s', async (kind, url) => {
    const script = `rm -rf ${kind}; mkdir ${kind}; cd ${kind}; echo '${MANIFEST}' > package.json
      npm install --silent small@1 && node -e 'console.log(require("small"))' && ./node_modules/.bin/small`;
    const done = await inside(script, url, plain.port);
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(done.stdout).toContain('42\nsmall 42\n');
    const server = kind === 'https' ? secure : plain;
    expect(server.asked).toEqual(expect.arrayContaining(['GET registry.test /small/-/small-1.2.3.tgz']));
  });

  it('runs the package’s scripts inside, when it is told to', async () => {
    const script = `rm -rf scripts; mkdir scripts; cd scripts; echo '${MANIFEST}' > package.json
      npm install --silent small && cat node_modules/small/installed`;
    const done = await inside(script, 'https://registry.test/', plain.port);
    expect(done.stdout, done.stderr).toContain('yes');
  });

  it('does not find another registry, and the refusal says why', async () => {
    const script = `rm -rf other; mkdir other; cd other; echo '${MANIFEST}' > package.json; npm install small || echo "code $?"`;
    const done = await inside(script, 'https://elsewhere.test/', plain.port);
    expect(done.stdout).toContain('code 1');
    expect(done.stderr).toMatch(/may not connect to elsewhere\.test:443: no network policy lists it/);
    expect(done.stderr).toMatch(/npm (ERR!|error)/);
  });
});
