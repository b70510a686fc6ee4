import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentOf, finished, OPENSHELL, start } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { pause, until } from '../programs/support/waiting.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

/** Whether a process listens on any TCP port: its socket inodes against those of /proc/PID/net/tcp. */
function listens(pid: number): boolean {
  // A signal that came before Node had a handler ended it.
  if (!existsSync(`/proc/${pid}/net`)) return false;
  const sockets = readdirSync(`/proc/${pid}/fd`)
    .map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    })
    .map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]);
  return ['tcp', 'tcp6'].some((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .some((fields) => fields[3] === '0A' && sockets.includes(fields[9])),
  );
}

async function ready(child: ReturnType<typeof start>): Promise<void> {
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  await until('the program is ready', () => output.includes('ready'));
}

describe('nothing debugs the supervisor', () => {
  it('after SIGUSR1, with which Node would open its debugger', async () => {
    const child = start(
      ['run', '--', 'sh', '-c', `trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done`],
      here,
    );
    const done = finished(child);
    await ready(child);
    child.kill('SIGUSR1');
    // The program got the signal, so Node has had its chance.
    const { code, stderr } = await done;
    expect({ code, stderr: stderr.toLowerCase() }).toMatchObject({ code: 5 });
    expect(stderr).not.toMatch(/debugger/i);
  });

  it('nor after SIGUSR1 while it runs on', async () => {
    const child = start(['run', '--', 'sh', '-c', `trap '' USR1; echo ready; exec sleep 60`], here);
    const done = finished(child);
    await ready(child);
    for (let i = 0; i < 3; i += 1) {
      child.kill('SIGUSR1');
      await pause(50);
    }
    expect(listens(child.pid!)).toBe(false);
    child.kill('SIGTERM');
    expect((await done).stderr).toBe('');
  });

  // Until our handler is there, Node would open its debugger: at an address that no machine has, say the first lines.
  it('nor after SIGUSR1 at any moment of its start', async () => {
    for (let delay = 0; delay < 45; delay += 3) {
      const child = spawn(OPENSHELL, ['run', '--', 'sleep', '60'], {
        cwd: here.cwd,
        env: environmentOf(here),
      });
      const done = finished(child);
      await pause(delay);
      child.kill('SIGUSR1');
      await pause(200);
      const debugged = child.signalCode === null && listens(child.pid!);
      child.kill('SIGKILL');
      await done;
      expect(debugged, `after ${delay} ms`).toBe(false);
    }
  });
});

describe('NODE_OPTIONS of the caller', () => {
  /** As a shell starts it: by its own first lines. */
  const asInstalled = (env: Record<string, string>) =>
    finished(
      spawn(OPENSHELL, ['run', '--', 'sh', '-c', 'echo "<$NODE_OPTIONS>"'], {
        cwd: here.cwd,
        env: environmentOf({ ...here, env }),
      }),
    );

  it('loads no code into openshell', async () => {
    const mark = join(scratch.root, 'loaded');
    const code = scratch.write('evil.cjs', `require('node:fs').writeFileSync('${mark}', 'x');\n`);
    const done = await asInstalled({ NODE_OPTIONS: `--require ${code}` });
    expect(done).toMatchObject({ code: 0, stdout: '<>\n' });
    expect(existsSync(mark)).toBe(false);
  });

  it('opens no debugger in it', async () => {
    const done = await asInstalled({ NODE_OPTIONS: '--inspect=127.0.0.1:0' });
    expect(done).toMatchObject({ code: 0, stdout: '<>\n', stderr: '' });
  });

  it('does not break it when it is nonsense', async () => {
    expect(await asInstalled({ NODE_OPTIONS: '--no-such-option' })).toMatchObject({ code: 0 });
  });
});

it('the first lines of the installed program are ones that sh(1) of this machine understands', () => {
  expect(readFileSync(OPENSHELL, 'utf8').split('\n')[0]).toBe('#!/bin/sh');
  const version = execFileSync(OPENSHELL, ['--help'], { env: environmentOf(here), encoding: 'utf8' });
  expect(version).toContain('usage: openshell');
});
