import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { environmentOf, finished, OPENSHELL, openshell, start } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { pause, until } from '../programs/support/waiting.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

/** openshell as part of a shell's pipeline: `"$@"` is openshell with these arguments. */
function pipeline(script: string, args: readonly string[]) {
  const child = spawn('/bin/sh', ['-c', script, 'sh', process.execPath, OPENSHELL, ...args], {
    cwd: here.cwd,
    env: environmentOf(here),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return finished(child);
}

describe('standard input', () => {
  it('reaches the program, and its end too', async () => {
    const input = Buffer.alloc(3_000_000, 'abcdefg\n');
    const done = await openshell(['run', '--', 'sha256sum'], { ...here, input });
    expect(done).toMatchObject({
      code: 0,
      stdout: `${createHash('sha256').update(input).digest('hex')}  -\n`,
    });
  });

  it('is not read by openshell: what the program leaves is there for the next', async () => {
    const script = '{ printf "1\\n2\\n3\\n"; } | { "$@"; cat; }';
    // head reads in blocks; `read` of a shell takes one byte at a time.
    const done = await pipeline(script, ['run', '--', 'sh', '-c', 'read a; echo "inside $a"']);
    expect(done.stdout).toBe('inside 1\n2\n3\n');
  });

  it('may be closed, be a file or /dev/null', async () => {
    const inside = ['run', '--', 'sh', '-c', 'wc -c'];
    expect((await pipeline('"$@" </dev/null', inside)).stdout).toBe('0\n');
    expect((await pipeline('"$@" </etc/hostname', inside)).stdout).toMatch(/^\d+\n$/);
    expect((await pipeline('"$@" <&-', ['run', '--', 'sh', '-c', 'echo fine'])).stdout).toBe('fine\n');
  });

  it('is closed for its writer when the program closes it, though the program goes on', async () => {
    const script = '{ sleep 1; yes; echo "writer $?" >&2; } | "$@"';
    const done = await pipeline(script, ['run', '--', 'sh', '-c', 'exec <&-; sleep 3; echo over >&2']);
    expect(done.stderr).toBe('writer 141\nover\n');
  });

  it('may stay open: a program that does not read ends all the same', async () => {
    const child = start(['run', '--', 'echo', 'done'], here);
    expect(await finished(child)).toMatchObject({ code: 0, stdout: 'done\n' });
  });
});

describe('standard output and standard error', () => {
  it('are kept apart, and carry every byte', async () => {
    const script = `head -c 4000000 /dev/zero | tr '\\0' o; head -c 2000000 /dev/zero | tr '\\0' e >&2`;
    const done = await openshell(['run', '--', 'sh', '-c', script], here);
    expect(done.code).toBe(0);
    expect(done.stdout === 'o'.repeat(4_000_000)).toBe(true);
    expect(done.stderr === 'e'.repeat(2_000_000)).toBe(true);
  });

  it('may be one file, and lines keep their order', async () => {
    const script = 'for i in 1 2 3 4 5; do echo "o$i"; echo "e$i" >&2; done';
    const done = await pipeline('"$@" 2>&1', ['run', '--', 'sh', '-c', script]);
    expect(done.stdout).toBe('o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\n');
  });

  // openshell keeps them open itself: a reader learns of their end when the run ends.
  it('ends when the program closes it, though the program goes on', async () => {
    const child = start(['run', '--', 'sh', '-c', 'echo x; exec >&-; sleep 60'], here);
    let ended = false;
    child.stdout.once('end', () => {
      ended = true;
    });
    const done = finished(child);
    try {
      await until('standard output ends', () => ended, 2000);
    } finally {
      child.kill('SIGTERM');
      await done;
    }
  });

  it('end when the program ends, although a process that it left holds them', async () => {
    const done = await pipeline('"$@" | cat', ['run', '--', 'sh', '-c', 'sleep 60 & echo done']);
    expect(done.stdout).toBe('done\n');
  });

  it('may be closed', async () => {
    const done = await pipeline('"$@" >&- 2>&-; echo "code $?"', ['run', '--', 'sh', '-c', 'exit 6']);
    expect(done.stdout).toBe('code 6\n');
  });
});

describe('a reader of standard error that is slow', () => {
  /** Refused, then busy until the refusal was printed, then more than a pipe holds. */
  const loud = `unshare -U true 2>/dev/null; sleep 2; head -c 1000000 /dev/zero | tr '\\0' e >&2; echo "code $?"`;

  // Printing the refusal makes the pipe non-blocking (Node does, for its own streams), and the program shares it.
  it('loses nothing of what the program writes there', async () => {
    const child = start(['run', '--', 'sh', '-c', loud], here);
    child.stderr.pause();
    let stdout = '';
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes.toString();
    });
    const closed = new Promise((resolve) => child.once('close', resolve));
    await pause(3000);
    let errors = 0;
    child.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.filter((byte) => byte === 0x65).length;
    });
    child.stderr.resume();
    await closed;
    expect(stdout).toBe('code 0\n');
    expect(errors).toBeGreaterThanOrEqual(1_000_000);
  });
});

describe('descriptors beyond the first three', () => {
  it('do not reach the program', async () => {
    scratch.write('secret', 'must not be seen\n');
    const script = `exec 7<"${scratch.root}/secret" 9>"${scratch.root}/written"; "$@"`;
    const inside = 'ls -l /proc/self/fd | grep -v "/proc/" | wc -l; cat <&7; echo x >&9';
    const done = await pipeline(script, ['run', '--', 'sh', '-c', inside]);
    expect(done.stdout).not.toContain('must not be seen');
    expect(done.stderr).toMatch(/7.*[Bb]ad file descriptor/);
  });

  it.each([0, 1, 2])('are none of ours either, also when descriptor %i was closed', async (closed) => {
    const inside = 'ls /proc/self/fd | tr "\\n" " "';
    const done = await pipeline(`"$@" ${closed}>&-`, [
      'run',
      '--',
      'sh',
      '-c',
      `${inside} | cat >/tmp/list; cat /tmp/list >&${closed === 1 ? 2 : 1}`,
    ]);
    const listed = `${done.stdout}${done.stderr}`.trim().split(/\s+/).map(Number);
    // 3 is the directory that ls reads.
    expect(listed.filter((fd) => fd > 3)).toEqual([]);
  });
});
