import { describe, expect, it } from 'vitest';
import { because, missing } from './support/host.ts';
import { openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';

const lacking = missing('python3');
const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

const python = (script: string) => openshell(['run', '--', 'python3', '-c', script], here);

/** Calls that Python has no function for, by number and architecture. */
const NUMBERS = `import ctypes, errno, os, platform, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
CALL = dict(ioprio_set=251 if x86 else 30, ioprio_get=252 if x86 else 31, sched_setattr=314 if x86 else 274,
            setpriority=141 if x86 else 140, sched_setaffinity=203 if x86 else 122, prlimit64=302 if x86 else 261)
def call(name, *args):
    result = libc.syscall(CALL[name], *args)
    return "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()]
`;

describe.skipIf(lacking.length > 0)(`a program with threads${because(lacking)}`, () => {
  it('sets affinity and priority of its own threads, from the thread and from another', async () => {
    const done = await python(`${NUMBERS}
barrier = threading.Barrier(4); release = threading.Event(); ids = []
def work():
    own = threading.get_native_id(); ids.append(own)
    os.sched_setaffinity(0, os.sched_getaffinity(0)); os.setpriority(os.PRIO_PROCESS, own, 3)
    assert os.getpriority(os.PRIO_PROCESS, own) == 3
    barrier.wait(); release.wait()
threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads: t.start()
barrier.wait()
for id in ids:
    os.sched_setaffinity(id, {min(os.sched_getaffinity(id))}); os.setpriority(os.PRIO_PROCESS, id, 7)
    assert os.getpriority(os.PRIO_PROCESS, id) == 7 and len(os.sched_getaffinity(id)) == 1
    print(call("ioprio_set", 1, id, (2 << 13) | 5), os.sched_getscheduler(id))
release.set()
for t in threads: t.join()
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)); print("batch", os.sched_getscheduler(0) == os.SCHED_BATCH)
`);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toBe('ok 0\nok 0\nok 0\nbatch True\n');
    expect(done.stderr).toBe('');
  });

  it('cannot do it to another process, not even to a child', async () => {
    const done = await python(`${NUMBERS}
import signal
child = os.fork()
if child == 0: signal.pause()
mask = ctypes.c_ulong(1)
print(call("setpriority", 0, child, 5), call("ioprio_set", 1, child, (2 << 13) | 5), call("sched_setaffinity", child, 8, ctypes.byref(mask)))
print(call("setpriority", 1, 0, 5), call("setpriority", 2, 0, 5), call("setpriority", 0, 1, 5))
limit = (ctypes.c_ulonglong * 2)(64, 64)
print(call("prlimit64", child, 7, ctypes.byref(limit), None), call("prlimit64", 0, 7, ctypes.byref(limit), None))
os.kill(child, 9)
`);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toBe('EPERM EPERM EPERM\nEPERM EPERM EPERM\nEPERM ok\n');
  });

  it('may start threads while another sets their priority: none is mistaken for a process of others', async () => {
    const done = await python(`import os, threading
failed = []
def work():
    try: os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 1)
    except OSError as e: failed.append(e)
for _ in range(20):
    threads = [threading.Thread(target=work) for _ in range(20)]
    for t in threads: t.start()
    for t in threads: t.join()
print(len(failed))`);
    expect(done).toMatchObject({ code: 0, stdout: '0\n' });
  });
});
