import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from './support/certificate.ts';
import { because, find, missing } from './support/host.ts';
import { openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const lacking = missing('python3', 'openssl');
if (lacking.length === 0) {
  try {
    execFileSync(find('python3')!, ['-c', 'import venv, ensurepip'], { stdio: 'ignore' });
  } catch {
    lacking.push('python3-venv');
  }
}
const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const WHEEL = 'small-1.2.3-py3-none-any.whl';
let server: WebServer;
let certificate: Certificate;

/** A wheel (PEP 427), made by Python's own zipfile. */
function makeWheel(): Buffer {
  const script = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("small/__init__.py", "answer = 42\\n")
    wheel.writestr("small-1.2.3.dist-info/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1.2.3\\n")
    wheel.writestr("small-1.2.3.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("small-1.2.3.dist-info/RECORD", "")
`;
  const path = join(scratch.root, WHEEL);
  execFileSync(find('python3')!, ['-c', script, path]);
  return readFileSync(path);
}

/** A simple index (PEP 503) with one package. */
function index(wheel: Buffer): RequestListener {
  const hash = createHash('sha256').update(wheel).digest('hex');
  return (request, response) => {
    if (request.url === '/simple/small/')
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<!DOCTYPE html><a href="../../files/${WHEEL}#sha256=${hash}">${WHEEL}</a>`);
    else if (request.url === `/files/${WHEEL}`) response.writeHead(200).end(wheel);
    else response.writeHead(404).end();
  };
}

beforeAll(async () => {
  if (lacking.length > 0) return;
  certificate = makeCertificate(scratch, ['pypi.test']);
  server = await serve(index(makeWheel()), certificate);
});
afterAll(() => server?.close());

describe.skipIf(lacking.length > 0)(`pip${because(lacking)}`, () => {
  const run = (script: string) =>
    openshell(
      [
        'run',
        ...['--allow', 'pypi.test', '--connect-to', `pypi.test:443:127.0.0.1:${server.port}`],
        ...['--read', certificate.authority, '--env', `PIP_CERT=${certificate.authority}`],
        ...[
          '--env',
          'PIP_DISABLE_PIP_VERSION_CHECK=1',
          '--env',
          'PIP_RETRIES=0',
          '--env',
          'PIP_NO_CACHE_DIR=1',
        ],
        ...['--', 'sh', '-ec', script],
      ],
      here,
    );

  it('installs a package into a virtual environment through the proxy', async () => {
    const done = await run(
      `python3 -m venv venv; . venv/bin/activate
       pip install --quiet --index-url https://pypi.test/simple small==1.2.3
       python -c 'import small; print(small.answer, small.__file__)'`,
    );
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(done.stdout).toMatch(
      new RegExp(`^42 ${scratch.project}/venv/lib/python3[^/]*/site-packages/small/`),
    );
    expect(server.asked).toContain(`GET pypi.test /files/${WHEEL}`);
  });

  it('does not reach another index, and the refusal says why', async () => {
    const done = await run(
      `python3 -m venv --without-pip other; python3 -m venv venv2 && venv2/bin/pip install --index-url https://elsewhere.test/simple small || echo "code $?"`,
    );
    expect(done.stdout).toContain('code 1');
    expect(done.stderr).toMatch(/may not connect to elsewhere\.test:443: no network policy lists it/);
  });
});
