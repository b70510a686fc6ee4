/**
 * Real clients whose requests are looked at: through the proxy and past it, each sends the request that it may and gets
 * the refusal of the one that it may not, without being told of any certificate; each request is one event.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from './support/certificate.ts';
import { gitBackend } from './support/git-server.ts';
import { because, find, missing, nodeOptions, SEARCH_PATH } from './support/host.ts';
import { eventsOf, type Finished, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const lacking = missing('openssl', 'git');
const scratch = useScratch();
const NAMES = ['api.test', 'git.test', 'registry.test', 'pypi.test'];
const WHEEL = 'small-1.2.3-py3-none-any.whl';
const listeners = new Map<string, RequestListener>();
let server: WebServer;
let options: string[] = [];
let runs = 0;

const POLICY = `version: 1
network_policies:
  api:
    endpoints:
      - host: api.test
        port: 443
        protocol: rest
        rules:
          - allow: { method: GET, path: "/v1/**" }
          - allow: { method: POST, path: "/v1/items" }
        deny_rules:
          - { method: "*", path: "/v1/secret/**" }
    binaries: [{ path: "/**" }]
  code:
    endpoints:
      - host: git.test
        port: 443
        protocol: rest
        rules:
          - allow: { method: GET, path: /project.git/info/refs }
          - allow: { method: POST, path: /project.git/git-upload-pack }
    binaries: [{ path: "/**" }]
  packages:
    endpoints:
      - { host: registry.test, port: 443, protocol: rest, access: read-only }
      - { host: pypi.test, port: 443, protocol: rest, access: read-only }
    binaries: [{ path: "/**" }]
`;

interface Done extends Finished {
  /** Of each request that was decided upon: action, method, host and path. */
  readonly requests: readonly string[];
}

async function inside(script: string, ...more: string[]): Promise<Done> {
  runs += 1;
  const log = join(scratch.root, `events-${runs}`);
  const finished = await openshell(
    ['run', ...nodeOptions, ...options, '--events', log, ...more, '--', 'sh', '-c', script],
    { cwd: scratch.project, home: scratch.home },
  );
  const requests = eventsOf(log).flatMap(({ subject, action }) =>
    subject.kind === 'request' ? [`${action} ${subject.method} ${subject.host}${subject.path}`] : [],
  );
  return { ...finished, requests };
}

const gitEnvironment = {
  PATH: SEARCH_PATH,
  HOME: scratch.directory('git-home'),
  GIT_CONFIG_NOSYSTEM: '1',
  ...{ GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com' },
  ...{ GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.com' },
};

function makeRepository(): string {
  const git = (cwd: string, ...args: string[]): void =>
    void execFileSync(find('git')!, ['-c', 'safe.directory=*', '-c', 'init.defaultBranch=main', ...args], {
      cwd,
      env: gitEnvironment,
      stdio: 'pipe',
    });
  const source = scratch.directory('source');
  const repositories = scratch.directory('repositories');
  git(source, 'init', '--quiet');
  scratch.write('source/file', 'line\n'.repeat(50_000));
  git(source, 'add', '.');
  git(source, 'commit', '--quiet', '-m', 'first');
  git(repositories, 'clone', '--quiet', '--bare', source, 'project.git');
  git(join(repositories, 'project.git'), 'config', 'http.receivepack', 'true');
  return repositories;
}

/** A registry of npm with one package. */
function registry(): RequestListener {
  scratch.write('small/package.json', JSON.stringify({ name: 'small', version: '1.2.3' }));
  scratch.write('small/index.js', 'module.exports = 42;\n');
  execFileSync(find('npm')!, ['pack', '--pack-destination', scratch.root], {
    cwd: join(scratch.root, 'small'),
    env: { PATH: SEARCH_PATH, HOME: scratch.directory('pack-home') },
    stdio: 'pipe',
  });
  const tarball = readFileSync(join(scratch.root, 'small-1.2.3.tgz'));
  const dist = {
    tarball: 'https://registry.test/small/-/small-1.2.3.tgz',
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  };
  const version = { name: 'small', version: '1.2.3', main: 'index.js', dist };
  const text = { name: 'small', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': version } };
  return (request, response) => {
    if (request.url === '/small/-/small-1.2.3.tgz') response.end(tarball);
    else if (request.url === '/small')
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(text));
    else response.writeHead(404).end('{}');
  };
}

/** A simple index (PEP 503) with one wheel, made by Python's own zipfile. */
function packageIndex(): RequestListener {
  const script = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("small/__init__.py", "answer = 42\\n")
    wheel.writestr("small-1.2.3.dist-info/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1.2.3\\n")
    wheel.writestr("small-1.2.3.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("small-1.2.3.dist-info/RECORD", "")
`;
  execFileSync(find('python3')!, ['-c', script, join(scratch.root, WHEEL)]);
  const wheel = readFileSync(join(scratch.root, WHEEL));
  return (request, response) => {
    if (request.url === '/simple/small/')
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<!DOCTYPE html><a href="../../files/${WHEEL}">${WHEEL}</a>`);
    else if (request.url === `/files/${WHEEL}`) response.end(wheel);
    else response.writeHead(404).end();
  };
}

beforeAll(async () => {
  if (lacking.length > 0) return;
  listeners.set('api.test', (request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.end(`${request.method} ${request.url} ${bytes}\n`));
  });
  listeners.set('git.test', gitBackend(makeRepository()));
  if (find('npm') !== null) listeners.set('registry.test', registry());
  if (find('python3') !== null) listeners.set('pypi.test', packageIndex());
  const certificate = makeCertificate(scratch, NAMES);
  server = await serve((request, response) => {
    const listener = listeners.get(String(request.headers.host));
    if (listener === undefined) response.writeHead(421).end();
    else listener(request, response);
  }, certificate);
  options = [
    ...['--policy', scratch.policy(POLICY), '--upstream-ca', certificate.authority],
    ...NAMES.flatMap((name) => ['--connect-to', `${name}:443:127.0.0.1:${server.port}`]),
    ...Object.entries(gitEnvironment)
      .filter(([name]) => name.startsWith('GIT_'))
      .flatMap(([name, value]) => ['--env', `${name}=${value}`]),
  ];
});
afterAll(() => server?.close());

interface Trial {
  readonly what: string;
  readonly needs: readonly string[];
  /** Asks for /v1/a, then for /v2, and prints what came of each. */
  readonly script: string;
  readonly stdout: RegExp;
  readonly files?: Readonly<Record<string, string>>;
}

const PY = `import os, ssl, sys, urllib.request, urllib.error
if sys.argv[1:] == ["direct"]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]
for path in ("/v1/a", "/v2"):
    try:
        print(urllib.request.urlopen("https://api.test" + path).read().decode().strip())
    except urllib.error.HTTPError as error:
        print(error.code, "OSH-EGR-022" in error.read().decode())
`;
const PY_SSL = `import os, socket, ssl
context = ssl.create_default_context()
with context.wrap_socket(socket.create_connection(("api.test", 443)), server_hostname="api.test") as s:
    for path in ("/v1/a", "/v2"):
        s.sendall(("GET %s HTTP/1.1\\r\\nHost: api.test\\r\\n\\r\\n" % path).encode())
        text = b""
        while b"\\r\\n\\r\\n" not in text or (b"a 0" not in text and b"OSH-EGR-022" not in text):
            text += s.recv(65536)
        print(text.split(b"\\r\\n")[0].decode(), b"OSH-EGR-022" in text)
`;
const FETCH = `(async () => {
  for (const path of ['/v1/a', '/v2']) {
    const answer = await fetch('https://api.test' + path);
    const text = await answer.text();
    console.log(answer.status, text.includes('OSH-EGR-022') || text.trim());
  }
})();
`;
const HTTPS = `const https = require('https');
const get = (path) => new Promise((resolve, reject) => https.get('https://api.test' + path, (answer) => {
  let text = '';
  answer.on('data', (part) => (text += part));
  answer.on('end', () => resolve(answer.statusCode + ' ' + (text.includes('OSH-EGR-022') || text.trim())));
}).on('error', reject));
get('/v1/a').then(console.log).then(() => get('/v2')).then(console.log);
`;

const BOTH = /^GET \/v1\/a 0\n403 True\n$/;
const STATUS = /^200 GET \/v1\/a 0\n403 true\n$/;
const bare =
  'env -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY -u http_proxy -u https_proxy -u all_proxy -u NODE_USE_ENV_PROXY';
const curl = (...flags: string[]): string =>
  ['/v1/a', '/v2']
    .map((path) => `curl -sS ${flags.join(' ')} -w '%{http_code}\\n' https://api.test${path}`)
    .join('; ');
const CURL = /^GET \/v1\/a 0\n200\n\{"error":"policy_denied".*"code":"OSH-EGR-022".*\}\n403\n$/;

const trials: readonly Trial[] = [
  { what: 'curl', needs: ['curl'], script: curl('--http1.1'), stdout: CURL },
  { what: 'curl, with its own choice of protocols', needs: ['curl'], script: curl(), stdout: CURL },
  { what: 'curl past the proxy', needs: ['curl'], script: curl("--noproxy '*'"), stdout: CURL },
  {
    // Builds with GnuTLS read no variable for it.
    what: 'wget, told where the authorities are',
    needs: ['wget'],
    script: ['v1/a', 'v2']
      .map(
        (path) =>
          `wget -q --ca-certificate="$SSL_CERT_FILE" --content-on-error -O - https://api.test/${path}`,
      )
      .join('; '),
    stdout: /^GET \/v1\/a 0\n\{.*OSH-EGR-022.*\}\n$/,
  },
  {
    what: 'python: urllib',
    needs: ['python3'],
    files: { 'get.py': PY },
    script: 'python3 get.py',
    stdout: BOTH,
  },
  {
    what: 'python: urllib past the proxy',
    needs: ['python3'],
    files: { 'get.py': PY },
    script: 'python3 get.py direct',
    stdout: BOTH,
  },
  {
    what: 'python: ssl on a socket, both requests on one connection',
    needs: ['python3'],
    files: { 'tls.py': PY_SSL },
    script: 'python3 tls.py',
    stdout: /^HTTP\/1\.1 200 OK False\nHTTP\/1\.1 403 Forbidden True\n$/,
  },
  { what: 'node: fetch', needs: [], files: { 'fetch.js': FETCH }, script: 'node fetch.js', stdout: STATUS },
  {
    what: 'node: fetch past the proxy',
    needs: [],
    files: { 'fetch.js': FETCH },
    script: `${bare} node fetch.js`,
    stdout: STATUS,
  },
  {
    what: 'node: https',
    needs: [],
    files: { 'https.js': HTTPS },
    script: `${bare} node https.js`,
    stdout: STATUS,
  },
];

describe.skipIf(lacking.length > 0)(`a client that is looked at${because(lacking)}`, () => {
  for (const trial of trials) {
    const absent = missing(...trial.needs);
    it.skipIf(absent.length > 0)(`${trial.what}${because(absent)}`, async () => {
      for (const [name, text] of Object.entries(trial.files ?? {}))
        scratch.write(`home/project/${name}`, text);
      const asked = server.asked.length;
      const done = await inside(trial.script);
      expect(done.stdout, done.stderr).toMatch(trial.stdout);
      expect(done.requests).toEqual(['allow GET api.test/v1/a', 'deny GET api.test/v2']);
      expect(server.asked.slice(asked)).toEqual(['GET api.test /v1/a']);
    });
  }

  const absent = missing('go');
  it.skipIf(absent.length > 0)(`a static Go program${because(absent)}`, async () => {
    scratch.write(
      'home/project/get.go',
      `package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

func main() {
	for _, path := range []string{"/v1/a", "/v2"} {
		answer, err := http.Get("https://api.test" + path)
		if err != nil {
			fmt.Println(err)
			continue
		}
		text, _ := io.ReadAll(answer.Body)
		fmt.Println(answer.StatusCode, strings.Contains(string(text), "OSH-EGR-022"))
	}
}
`,
    );
    const env = {
      ...{ PATH: SEARCH_PATH, HOME: scratch.home, CGO_ENABLED: '0' },
      ...{ GOCACHE: scratch.directory('go'), GOFLAGS: '-mod=mod', GO111MODULE: 'off' },
    };
    execFileSync(find('go')!, ['build', '-o', 'get', 'get.go'], { cwd: scratch.project, env });
    const done = await inside('./get');
    expect(done.stdout, done.stderr).toBe('200 false\n403 true\n');
    expect(done.requests).toEqual(['allow GET api.test/v1/a', 'deny GET api.test/v2']);
  });

  it('curl sends a body of 20 MB where it may, and keeps its connection', async () => {
    const done = await inside(
      `head -c 20000000 /dev/zero > big
       curl -sSv --http1.1 --data-binary @big https://api.test/v1/items https://api.test/v1/b 2>verbose
       grep -c 'Re-using existing connection' verbose`,
    );
    expect(done.stdout, done.stderr).toMatch(/^POST \/v1\/items 20000000\n(?:.*\n)*1\n$/);
    expect(done.requests).toEqual(['allow POST api.test/v1/items', 'deny POST api.test/v1/b']);
  });

  it('curl is refused a body of 20 MB where it may not send one, and reads why', async () => {
    const done = await inside(
      `head -c 20000000 /dev/zero > big; curl -sS --http1.1 --data-binary @big https://api.test/v1/other`,
    );
    expect(done.stdout, done.stderr).toMatch(/OSH-EGR-022/);
    expect(done.requests).toEqual(['deny POST api.test/v1/other']);
  });

  it('no query, header or body shows in the events', async () => {
    const log = join(scratch.root, `events-${runs + 1}`);
    await inside(
      `curl -sS -H 'Authorization: Bearer hush1' 'https://api.test/v1/a?token=hush2' -o /dev/null
       curl -sS -d hush3 'https://api.test/v2?token=hush4' -o /dev/null`,
    );
    const decisions = eventsOf(log).filter(({ type }) => type !== 'start');
    expect(decisions.length).toBeGreaterThan(4);
    expect(JSON.stringify(decisions)).not.toContain('hush');
  });
});

describe.skipIf(lacking.length > 0)(`git${because(lacking)}`, () => {
  it('clones and fetches, and may not push', async () => {
    const done = await inside(
      `rm -rf work; git clone --quiet https://git.test/project.git work && cd work && wc -l < file && git fetch --quiet &&
       echo more > more && git add more && git commit --quiet -m more; git push --quiet origin HEAD:refs/heads/main; echo "code $?"`,
    );
    expect(done.stdout, done.stderr).toBe('50000\ncode 1\n');
    expect(done.stderr).toMatch(/403/);
    expect(done.requests).toEqual([
      'allow GET git.test/project.git/info/refs',
      'allow POST git.test/project.git/git-upload-pack',
      'allow POST git.test/project.git/git-upload-pack',
      'allow GET git.test/project.git/info/refs',
      ...done.requests.slice(4),
    ]);
    expect(done.requests.at(-1)).toBe('deny POST git.test/project.git/git-receive-pack');
  });
});

describe.skipIf(missing('npm', 'openssl').length > 0)(`npm${because(missing('npm', 'openssl'))}`, () => {
  const variables = ['update_notifier', 'audit', 'fund'].map((name) => `npm_config_${name}=false`);
  // A machine's own settings may name other authorities, which replace those of Node.
  const set = `export npm_config_globalconfig=/dev/null npm_config_registry=https://registry.test/ npm_config_fetch_retries=0 ${variables.join(' ')}`;

  it('installs, and may not publish', async () => {
    const done = await inside(
      `${set}; rm -rf n; mkdir n; cd n; echo '{"private":true}' > package.json
       npm install --loglevel=error small >&2 && node -p 'require("small")'
       mkdir own; cd own; echo '{"name":"own","version":"1.0.0"}' > package.json
       npm publish --//registry.test/:_authToken=x 2>&1 | grep -o 'E403' | head -n 1`,
    );
    expect(done.stdout, done.stderr).toBe('42\nE403\n');
    expect(done.requests).toEqual(
      expect.arrayContaining(['allow GET registry.test/small', 'deny PUT registry.test/own']),
    );
  });
});

const noPip = [...missing('python3', 'pip', 'openssl')];
describe.skipIf(noPip.length > 0)(`pip${because(noPip)}`, () => {
  it('installs', async () => {
    const done = await inside(
      `rm -rf target; python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --retries 0 --index-url https://pypi.test/simple/ --target target small &&
       PYTHONPATH=target python3 -c 'import small; print(small.answer)'`,
    );
    expect(done.stdout, done.stderr).toBe('42\n');
    expect(done.requests).toEqual(
      expect.arrayContaining(['allow GET pypi.test/simple/small/', `allow GET pypi.test/files/${WHEEL}`]),
    );
  });
});

describe.skipIf(lacking.length > 0)('the authority of the sandbox', () => {
  it('is what openssl s_client sees behind the host of CONNECT', async () => {
    const done = await inside(
      `echo | openssl s_client -proxy "\${HTTPS_PROXY#http://}" -connect api.test:443 -servername api.test -verify_return_error 2>&1 |
       grep -E '^(subject|issuer)|Verify return code' | head -n 3`,
    );
    expect(done.stdout, done.stderr).toMatch(/CN ?= ?api\.test/);
    expect(done.stdout).toMatch(/OpenShell Sandbox CA/);
    expect(done.stdout).toMatch(/Verify return code: 0 \(ok\)/);
  });

  it('stands in files that nobody inside can change or replace', async () => {
    const done = await inside(
      `for file in "$SSL_CERT_FILE" "$NODE_EXTRA_CA_CERTS" "$CURL_CA_BUNDLE" "$GIT_SSL_CAINFO" "$REQUESTS_CA_BUNDLE"; do
         test -s "$file" || echo "missing: $file"
         sum=$(cksum < "$file")
         ( echo x >> "$file" ) 2>/dev/null && echo "appended: $file"
         ( : > "$file" ) 2>/dev/null && echo "emptied: $file"
         rm -f "$file" 2>/dev/null && echo "removed: $file"
         mv "$file" "$file.old" 2>/dev/null && echo "moved: $file"
         cp /etc/hostname own; mv -f own "$file" 2>/dev/null && echo "replaced: $file"
         ln -sf /etc/hostname "$file" 2>/dev/null && echo "linked: $file"
         chmod 777 "$file" 2>/dev/null && ( echo x >> "$file" ) 2>/dev/null && echo "opened: $file"
         mv "$(dirname "$file")" "$(dirname "$file").old" 2>/dev/null && echo "moved the directory of $file"
         touch "$(dirname "$file")/new" 2>/dev/null && echo "a new file beside $file"
         test "$(cksum < "$file")" = "$sum" || echo "changed: $file"
       done; echo done`,
    );
    expect(done.stdout, done.stderr).toBe('done\n');
  });

  it('has a key that nothing inside can read', async () => {
    const done = await inside(
      `grep -c 'BEGIN CERTIFICATE' "$NODE_EXTRA_CA_CERTS"
       env | grep -c 'PRIVATE KEY'
       grep -lae 'BEGIN [A-Z ]*PRIVATE KEY' "$(dirname "$SSL_CERT_FILE")"/* /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | wc -l
       grep -rlaE 'BEGIN [A-Z ]*PRIVATE KEY' /tmp "$HOME" /run /dev/shm 2>/dev/null | wc -l
       ls -l /proc/[0-9]*/fd 2>/dev/null | grep -cE 'memfd|tls|\\.pem'`,
    );
    expect(done.stdout, done.stderr).toBe('1\n0\n0\n0\n0\n');
  });

  it.skipIf(find('python3') === null)('has a key in no memory that something inside can read', async () => {
    scratch.write(
      'home/project/scan.py',
      `import os
wanted = b"YEK ETAVIRP NIGEB"[::-1]
looked = found = 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    if int(pid) == os.getpid():
        continue
    looked += 1
    try:
        with open("/proc/%s/maps" % pid) as maps, open("/proc/%s/mem" % pid, "rb", 0) as mem:
            for line in maps:
                begin, end = (int(part, 16) for part in line.split()[0].split("-"))
                try:
                    mem.seek(begin)
                    found += wanted in mem.read(end - begin)
                except (OSError, ValueError, OverflowError, MemoryError):
                    pass
    except OSError:
        pass
print(looked > 0, found)
`,
    );
    const done = await inside('curl -s https://api.test/v1/a; python3 scan.py');
    expect(done.stdout, done.stderr).toBe('GET /v1/a 0\nTrue 0\n');
  });

  it('is another in each run', async () => {
    const print = 'cksum < "$NODE_EXTRA_CA_CERTS"';
    expect((await inside(print)).stdout).not.toBe((await inside(print)).stdout);
  });

  it('is not there where no endpoint looks at requests', async () => {
    const done = await openshell(
      ['run', '--', 'sh', '-c', 'echo "[$NODE_EXTRA_CA_CERTS]"; ls -d /.openshell'],
      {
        cwd: scratch.project,
        home: scratch.home,
      },
    );
    expect(done.stdout).toBe('[]\n');
  });
});
