import { describe, expect, it } from 'vitest';
import { because, find, missing, node, nodeOptions } from './support/host.ts';
import { type Finished, inNamespaces, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

const inside = (script: string, ...options: string[]): Promise<Finished> =>
  openshell(['run', ...options, '--', 'sh', '-ec', script], here);

interface Trial {
  readonly what: string;
  readonly needs: readonly string[];
  readonly script: string;
  readonly stdout: RegExp | string;
  readonly files?: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
}

const trials: readonly Trial[] = [
  {
    what: 'gcc compiles, links and its program runs',
    needs: ['gcc'],
    files: { 'hello.c': '#include <stdio.h>\nint main(void) { return puts("from C") < 0; }\n' },
    script: 'gcc -Wall -O2 -o hello hello.c && ./hello && gcc -fsyntax-only hello.c',
    stdout: 'from C\n',
  },
  {
    what: 'g++ compiles a program with threads and exceptions',
    needs: ['g++'],
    files: {
      'threads.cc':
        '#include <iostream>\n#include <stdexcept>\n#include <thread>\nint main() { int n = 0; std::thread t([&] { try { throw std::runtime_error("x"); } catch (...) { n = 7; } }); t.join(); std::cout << n << "\\n"; }\n',
    },
    script: 'g++ -pthread -o threads threads.cc && ./threads',
    stdout: '7\n',
  },
  {
    what: 'make runs jobs side by side',
    needs: ['make'],
    files: {
      Makefile:
        'all: a b c d\n\t@echo "made $$(cat $^ | wc -l)"\na b c d:\n\t@sleep 0.1; echo x > $@\n.PHONY: all\n',
    },
    script: 'rm -f a b c d; make -j4 --output-sync=none',
    stdout: 'made 4\n',
  },
  {
    what: 'tar packs and unpacks with owners, times and links',
    needs: ['tar', 'gzip'],
    script: `mkdir -p tree/deep; echo data > tree/deep/file; ln -sf deep/file tree/link; ln -f tree/deep/file tree/hard; chmod 640 tree/deep/file
      touch -d '2001-02-03 04:05:06 UTC' tree/deep/file
      tar czf tree.tgz tree; mkdir -p out; tar xzpf tree.tgz -C out; cat out/tree/link; stat -c '%a %h %Y' out/tree/hard`,
    stdout: 'data\n640 2 981173106\n',
  },
  {
    what: 'sqlite3 writes, locks and reads a database in WAL mode',
    needs: ['sqlite3'],
    script: `rm -f x.db*; sqlite3 x.db 'PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1),(2),(3);' && sqlite3 x.db 'SELECT sum(a) FROM t'`,
    stdout: 'wal\n6\n',
  },
  {
    what: 'ssh-keygen makes a key and reads it back',
    needs: ['ssh-keygen'],
    script: `rm -f key key.pub; ssh-keygen -q -t ed25519 -N '' -C test -f key && ssh-keygen -lf key.pub && stat -c %a key`,
    stdout: /^256 SHA256:\S+ test \(ED25519\)\n600\n$/,
  },
  {
    what: 'java compiles and runs, with its threads and its JIT',
    needs: ['java', 'javac'],
    files: {
      'Main.java': `import java.util.stream.*;
public class Main { public static void main(String[] a) throws Exception {
  long sum = LongStream.range(0, 5_000_000).parallel().map(x -> x % 7).sum();
  Thread t = new Thread(() -> System.out.println("thread " + sum)); t.start(); t.join();
  System.out.println(java.nio.file.Files.exists(java.nio.file.Path.of("Main.java"))); } }
`,
    },
    script: 'javac Main.java && java Main',
    stdout: 'thread 14999995\ntrue\n',
  },
  {
    what: 'python makes a virtual environment and runs in it',
    needs: ['python3'],
    script: `python3 -m venv --without-pip env && env/bin/python -c 'import sys; print(sys.prefix != sys.base_prefix)'`,
    stdout: 'True\n',
  },
  {
    what: 'python’s processes, pools, queues and shared memory work',
    needs: ['python3'],
    files: {
      'pool.py': `import multiprocessing as mp, multiprocessing.shared_memory as sm, subprocess, tempfile
def square(x): return x * x
if __name__ == "__main__":
    with mp.Pool(4) as pool: print(sum(pool.map(square, range(100))))
    ctx = mp.get_context("spawn")
    queue = ctx.Queue(); child = ctx.Process(target=queue.put, args=("spawned",)); child.start(); print(queue.get()); child.join()
    block = sm.SharedMemory(create=True, size=4096); block.buf[0] = 7
    other = sm.SharedMemory(block.name); print(other.buf[0]); other.close(); block.unlink()
    print(subprocess.run(["sh", "-c", "exit 3"]).returncode)
    with tempfile.TemporaryFile() as f: print(f.write(b"abc"))
`,
    },
    script: 'python3 pool.py 2>/dev/null',
    options: inNamespaces ? [] : ['--write', '/dev/shm'],
    stdout: '328350\nspawned\n7\n3\n3\n',
  },
  {
    what: 'python’s asyncio with subprocesses and signals works',
    needs: ['python3'],
    files: {
      'loop.py': `import asyncio, os, signal
async def main():
    loop = asyncio.get_running_loop(); caught = asyncio.Event(); loop.add_signal_handler(signal.SIGUSR1, caught.set)
    child = await asyncio.create_subprocess_exec("sh", "-c", "echo child", stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate(); os.kill(os.getpid(), signal.SIGUSR1); await caught.wait(); print(out.decode().strip(), child.returncode)
asyncio.run(main())
`,
    },
    script: 'python3 loop.py',
    stdout: 'child 0\n',
  },
  {
    what: 'perl runs and forks',
    needs: ['perl'],
    script: `perl -e 'if (my $p = fork) { waitpid $p, 0; print $? >> 8, "\\n" } else { exit 9 }'`,
    stdout: '9\n',
  },
  {
    what: 'diff, patch, find, xargs, sed, awk and sort work together',
    needs: ['diff', 'patch', 'find', 'xargs', 'sed', 'awk'],
    script: `printf 'a\\nb\\n' > one; sed s/b/c/ one > two; diff -u one two > change || true; cp one three; patch -s three < change
      find . -maxdepth 1 -name 't*o' -o -maxdepth 1 -name three | sort | xargs cat | awk '{ n += length } END { print n }'`,
    stdout: '4\n',
  },
  {
    what: 'tools that watch files and lock them work',
    needs: ['flock', 'timeout', 'nice'],
    script: `flock lock -c 'echo locked'; flock -n lock -c 'flock -n lock -c true' || echo busy; timeout 5 nice -n 5 nice; mkfifo -m 600 pipe; (echo through > pipe) & cat pipe; rm pipe`,
    stdout: 'locked\nbusy\n5\nthrough\n',
  },
];

describe('programs that people use', () => {
  for (const { what, needs, script, stdout, files = {}, options = [] } of trials) {
    const lacking = missing(...needs);
    it.skipIf(lacking.length > 0)(`${what}${because(lacking)}`, async () => {
      for (const [name, text] of Object.entries(files)) scratch.write(`home/project/${name}`, text);
      const done = await inside(script, ...options);
      expect(done.code, done.stdout + done.stderr).toBe(0);
      if (typeof stdout === 'string') expect(done.stdout).toBe(stdout);
      else expect(done.stdout).toMatch(stdout);
      expect(done.stderr, 'a refusal that nobody expected').not.toContain('openshell: refused');
    });
  }
});

describe('Node', () => {
  const script = (text: string): Promise<Finished> => {
    const file = scratch.write('home/project/script.mjs', text);
    return openshell(['run', ...nodeOptions, '--', node, file], here);
  };

  it('has worker threads with shared memory', async () => {
    const done = await script(`import { Worker, isMainThread, workerData } from 'node:worker_threads';
if (isMainThread) {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const workers = [1, 2, 3, 4].map(() => new Worker(new URL(import.meta.url), { workerData: shared }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))));
  console.log(shared[0]);
} else { for (let i = 0; i < 1000; i++) Atomics.add(workerData, 0, 1); }
`);
    expect(done).toMatchObject({ code: 0, stdout: '4000\n', stderr: '' });
  });

  it('has child processes, file watching, compression, cryptography and WebAssembly', async () => {
    const done = await script(`import { execFileSync, fork } from 'node:child_process';
import { watch, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import os from 'node:os';
console.log(execFileSync('echo', ['child'], { encoding: 'utf8' }).trim());
writeFileSync('watched', '');
const seen = new Promise((resolve) => { const w = watch('watched', () => { w.close(); resolve('change'); }); });
setTimeout(() => writeFileSync('watched', 'x'), 50);
console.log(await seen);
console.log(gunzipSync(gzipSync(Buffer.alloc(1e6))).length);
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
console.log(verify(null, Buffer.from('x'), publicKey, sign(null, Buffer.from('x'), privateKey)));
const wasm = new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]);
console.log((await WebAssembly.instantiate(wasm)).instance.exports.add(2, 3));
console.log(os.cpus().length > 0, os.userInfo().username.length > 0, os.hostname().length > 0, os.totalmem() > 0);
`);
    expect(done).toMatchObject({
      code: 0,
      stdout: 'child\nchange\n1000000\ntrue\n5\ntrue true true true\n',
      stderr: '',
    });
  });

  it.skipIf(find('npm') === null)('has an npm that answers', async () => {
    const done = await inside('npm --version && npm config get registry', ...nodeOptions);
    expect(done.code, done.stderr).toBe(0);
  });
});
