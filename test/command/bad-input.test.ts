import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { find } from '../programs/support/host.ts';
import { finished, openshell, start } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { until } from '../programs/support/waiting.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const python = find('python3');

/** Most memory that a process ever had, in MiB (VmHWM, proc(5)). */
const peakOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

interface Hostile {
  /** What the script printed before it waited for the end. */
  readonly said: string;
  readonly peak: number;
  readonly stderr: string;
}

/** Runs a Python script inside with a proxy; it prints `done` at the end and waits for its input. */
async function hostile(script: string): Promise<Hostile> {
  const preamble = `import socket, sys
def proxy():
    s = socket.create_connection(("127.0.0.1", 3128), 20)
    s.settimeout(20)
    return s
def answer(s):
    data = b""
    try:
        while len(data) < 65536:
            part = s.recv(65536)
            if not part: break
            data += part
    except ConnectionError: pass
    return data.split(b"\\r\\n")[0].decode("latin-1") or "closed"
def push(s, data):
    try: s.sendall(data)
    except OSError: pass
`;
  const program = `${preamble}${script}\nprint("done", flush=True)\nsys.stdin.read()\n`;
  const child = start(['run', '--allow', 'a.test:80', '--', python!, '-c', program], here);
  const done = finished(child);
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  try {
    await until('the script is done', () => said.includes('done'), 40_000);
    const peak = peakOf(child.pid!);
    child.stdin.end();
    return { said: said.replace('done\n', ''), peak, stderr: (await done).stderr };
  } finally {
    child.stdin.end();
    child.kill('SIGTERM');
    await done;
  }
}

/** A supervisor that serves a proxy needs some 60 MiB for itself. */
const BOUND = 160;

describe.skipIf(python === null)('INV-09 what a program may send to the proxy', () => {
  it.each([
    ['1 MB of headers', 'b"GET http://a.test/ HTTP/1.1\\r\\nHost: a.test\\r\\nX: " + b"x" * 1_000_000', 431],
    ['a million headers', 'b"GET http://a.test/ HTTP/1.1\\r\\n" + b"a: b\\r\\n" * 1_000_000', 431],
    ['a request line of 1 MB', 'b"GET http://a.test/" + b"a" * 1_000_000 + b" HTTP/1.1\\r\\n\\r\\n"', 431],
    ['a CONNECT of 1 MB', 'b"CONNECT " + b"a" * 1_000_000 + b":443 HTTP/1.1\\r\\n\\r\\n"', 431],
    ['no HTTP at all', 'b"\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03" * 1000', 400],
    ['random bytes', 'bytes(range(256)) * 400', 400],
    [
      'two Host headers',
      'b"GET http://a.test/ HTTP/1.1\\r\\nHost: a.test\\r\\nHost: b.test\\r\\n\\r\\n"',
      400,
    ],
    [
      'a host that is not the one of the URL',
      'b"GET http://a.test/ HTTP/1.1\\r\\nHost: b.test\\r\\n\\r\\n"',
      400,
    ],
    [
      'both kinds of body length',
      'b"POST http://a.test/ HTTP/1.1\\r\\nHost: a.test\\r\\nContent-Length: 3\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n"',
      400,
    ],
    ['a path without a host', 'b"GET / HTTP/1.1\\r\\nHost: a.test\\r\\n\\r\\n"', 400],
    ['https as a plain URL', 'b"GET https://a.test/ HTTP/1.1\\r\\nHost: a.test\\r\\n\\r\\n"', 400],
    ['CONNECT without a port', 'b"CONNECT a.test HTTP/1.1\\r\\n\\r\\n"', 400],
    ['CONNECT to a port that is none', 'b"CONNECT a.test:99999 HTTP/1.1\\r\\n\\r\\n"', 400],
    ['a host with a NUL', 'b"CONNECT a\\x00.test:443 HTTP/1.1\\r\\n\\r\\n"', 400],
  ])('%s gets an answer, not more memory', async (_what, bytes, status) => {
    const { said, peak } = await hostile(`s = proxy()\npush(s, ${bytes})\nprint(answer(s))`);
    expect(said).toContain(`HTTP/1.1 ${status} `);
    expect(peak).toBeLessThan(BOUND);
  });

  it('an endless stream is cut off', async () => {
    const { said, peak } = await hostile(`s = proxy()
try:
    while True: s.sendall(b"GET http://a.test/" + b"a" * 65000)
except OSError: print("cut off")`);
    expect(said).toBe('cut off\n');
    expect(peak).toBeLessThan(BOUND);
  });

  it('a thousand half requests at once are held in bounded memory, and others are still served', async () => {
    const { said, peak } = await hostile(`import resource
many = []
for _ in range(1000):
    try:
        s = proxy()
        push(s, b"GET http://a.test/ HTTP/1.1\\r\\nX: " + b"x" * 12000)
        many.append(s)
    except OSError: break
print(len(many))
s = proxy()
push(s, b"CONNECT b.test:443 HTTP/1.1\\r\\nHost: b.test:443\\r\\n\\r\\n")
print(answer(s))`);
    expect(said).toBe('1000\nHTTP/1.1 403 Forbidden\n');
    expect(peak).toBeLessThan(BOUND);
  });

  it('many connections at once are held in bounded memory, and served', async () => {
    const { said, peak } = await hostile(`many = []
answered = 0
for _ in range(1400):
    try:
        s = proxy()
        many.append(s)
    except OSError: break
last = many[-1]
push(last, b"CONNECT b.test:443 HTTP/1.1\\r\\nHost: b.test:443\\r\\n\\r\\n")
print(answer(last))
for s in many: s.close()
s = proxy()
push(s, b"CONNECT b.test:443 HTTP/1.1\\r\\nHost: b.test:443\\r\\n\\r\\n")
print(answer(s))`);
    expect(said).toBe('HTTP/1.1 403 Forbidden\nHTTP/1.1 403 Forbidden\n');
    expect(peak).toBeLessThan(BOUND);
  });

  it('a refusal is one JSON body that says why and what to do', async () => {
    const ask = `s = proxy()
push(s, b"CONNECT b.test:443 HTTP/1.1\\r\\nHost: b.test:443\\r\\n\\r\\n")
s.settimeout(5)
data = b""
while True:
    part = s.recv(65536)
    if not part: break
    data += part
print(data.decode())`;
    const { said, stderr } = await hostile(ask);
    const [head, body] = said.split('\r\n\r\n') as [string, string];
    expect(head).toMatch(/^HTTP\/1.1 403 Forbidden\r\nContent-Type: application\/json/i);
    expect(JSON.parse(body)).toMatchObject({
      error: 'policy_denied',
      layer: 'egress',
      method: 'CONNECT',
      host: 'b.test',
      port: 443,
      code: expect.stringMatching(/^OSH-EGR-\d{3}$/),
      next_steps: expect.any(Array),
    });
    expect(stderr).toContain('may not connect to b.test:443: no network policy lists it');
  });
});

describe('more than the kernel takes', () => {
  it.each([
    ['an environment of 3 MB', ['--env-file', 'BIG']],
    ['an environment of 8 MB', ['--env-file', 'HUGE']],
  ])('of %s is said in one line', async (_what, options) => {
    const value = 'x'.repeat(100_000);
    const lines = (n: number) => Array.from({ length: n }, (_, i) => `V${i}=${value}`).join('\n');
    const files: Record<string, string> = {
      BIG: scratch.write('big.env', lines(30)),
      HUGE: scratch.write('huge.env', lines(80)),
    };
    const args = ['run', ...options.map((option) => files[option] ?? option), '--', 'true'];
    const done = await openshell(args, here);
    expect([125, 126]).toContain(done.code);
    expect(done.stdout).toBe('');
    expect(done.stderr).toMatch(/E2BIG|larger than/);
    expect(done.stderr).not.toMatch(/\n\s+at /);
  });

  it('10,000 arguments are no problem', async () => {
    const many = Array.from({ length: 10_000 }, (_, i) => String(i));
    const done = await openshell(['run', '--', 'sh', '-c', 'echo $#', 'sh', ...many], here);
    expect(done).toMatchObject({ code: 0, stdout: '10000\n' });
  });

  it('a policy of as many paths as it may have is no problem', async () => {
    const paths = Array.from({ length: 254 }, (_, i) => `    - ${scratch.directory(`many/p${i}`)}\n`).join(
      '',
    );
    const policy = scratch.policy(
      `version: 1\nfilesystem_policy:\n  include_workdir: true\n  read_only: [/usr, /etc]\n  read_write:\n${paths}`,
      'many.yaml',
    );
    const done = await openshell(
      [
        'run',
        '--policy',
        policy,
        '--',
        'sh',
        '-c',
        `ls ${scratch.root}/many | wc -l; echo x > ${scratch.root}/many/p253/x`,
      ],
      here,
    );
    expect(done).toMatchObject({ code: 0, stdout: '254\n' });
  });
});
