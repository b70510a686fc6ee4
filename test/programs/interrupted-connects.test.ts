/** Connects that wait, and what happens to their callers meanwhile: signals, time limits, another thread that executes. */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { allowed, type Client, direct } from './support/direct.ts';
import { because, find, missing } from './support/host.ts';
import { closeRawServers, greeter, type RawServer, rawServer } from './support/raw-servers.ts';
import { useScratch } from './support/scratch.ts';

const scratch = useScratch();
closeRawServers();

let greeting: RawServer;
beforeAll(async () => {
  greeting = await rawServer(greeter);
});

const client = (binary: string, command: readonly string[]): Client => ({
  ...{ command, binary, host: 'greeter.test', port: 7000, server: greeting.port },
});

describe.skipIf(find('python3') === null)(`python3${because(missing('python3'))}`, () => {
  /** FULL listens inside and has as many connections as it takes: one more waits until somebody accepts. */
  const HEAD = `import errno, os, select, signal, socket, struct, subprocess, threading, time
server = socket.create_server(("127.0.0.1", 0), backlog=0); FULL = server.getsockname(); kept = []
for _ in range(4):
    s = socket.socket(); s.setblocking(False); s.connect_ex(FULL); kept.append(s)
`;
  const python = (script: string) =>
    direct(scratch, client(realpathSync(find('python3')!), ['python3', '-c', HEAD + script]));

  it('a full backlog inside holds its caller, and nobody else', async () => {
    const done = await python(`s = socket.socket(); result = []
waiting = threading.Thread(target=lambda: result.append(s.connect(FULL))); waiting.start(); time.sleep(0.3)
outside = socket.create_connection(("greeter.test", 7000), 10); print(outside.recv(5), result)
end = time.monotonic() + 20
while waiting.is_alive() and time.monotonic() < end:
    if select.select([server], [], [], 0.1)[0]: kept.append(server.accept()[0])
waiting.join(1); print(result, s.getpeername() == FULL, bool(s.getblocking()))`);
    expect(done.stdout, done.stderr).toBe("b'hello' []\n[None] True True\n");
  });

  it('SO_SNDTIMEO bounds the wait, and a socket that does not block waits by itself', async () => {
    const done =
      await python(`s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 300000))
try: s.connect(FULL)
except OSError as e: print(errno.errorcode[e.errno])
s = socket.socket(); s.setblocking(False); print(errno.errorcode[s.connect_ex(FULL)])`);
    expect(done.stdout, done.stderr).toBe('EINPROGRESS\nEINPROGRESS\n');
  });

  it('SIGINT ends the wait', async () => {
    const done = await python(`child = subprocess.Popen(["python3", "-c", """
import socket, sys
print("waits", flush=True)
try: socket.socket().connect(("127.0.0.1", %d))
except KeyboardInterrupt: print("interrupted")
""" % FULL[1]], stdout=subprocess.PIPE)
print(child.stdout.readline()); time.sleep(0.5); child.send_signal(signal.SIGINT); print(child.communicate(timeout=20)[0])`);
    expect(done.stdout, done.stderr).toBe("b'waits\\n'\nb'interrupted\\n'\n");
  });
});

const COMPILER = find('cc');
describe.skipIf(COMPILER === null)(`a program in C${because(missing('cc'))}`, () => {
  const compiled = (name: string, source: string): string => {
    const program = join(scratch.project, name);
    execFileSync(COMPILER!, ['-o', program, scratch.write(`home/project/${name}.c`, source), '-pthread']);
    return program;
  };
  const HEAD = `#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
static struct addrinfo *here;
static void find(void) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  if (getaddrinfo("greeter.test", "7000", &hints, &here) != 0) abort();
}
`;

  it.each([
    ['that restart the call', 'SA_RESTART'],
    ['that end it', '0'],
  ])(
    'under a storm of signals %s: what succeeded is connected, and is one event each',
    async (_what, flags) => {
      const program = compiled(
        `storm-${flags}`,
        `${HEAD}static volatile int rings;
static void ring(int signal) { (void)signal; rings++; }
int main(void) {
  find();
  struct sigaction action = {.sa_handler = ring, .sa_flags = ${flags}};
  struct itimerval often = {{0, 300}, {0, 300}};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  int good = 0, interrupted = 0, other = 0;
  for (int i = 0; i < 1000; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char text[5];
    if (fd < 0) { if (errno == EINTR) interrupted++; else other++; continue; }
    if (connect(fd, here->ai_addr, here->ai_addrlen) == 0) {
      ssize_t got;
      do got = read(fd, text, 5); while (got < 0 && errno == EINTR);
      if (got == 5) good++; else other++;
    } else if (errno == EINTR) interrupted++;
    else other++;
    close(fd);
  }
  printf("%d %d %d %d\\n", good, interrupted, other, rings > 10);
}
`,
      );
      const one = client(program, [program]);
      const done = await direct(scratch, one);
      const [good, interrupted, other, rang] = done.stdout.split(' ').map(Number) as [
        number,
        number,
        number,
        number,
      ];
      expect({ other, rang, sum: good + interrupted }, done.stdout + done.stderr).toEqual({
        ...{ other: 0, rang: 1, sum: 1000 },
      });
      if (flags === 'SA_RESTART') expect(interrupted).toBe(0);
      const events = done.decisions.filter(({ action }) => action === 'allow');
      for (const event of events) expect(event).toMatchObject(allowed(one));
      // One that a signal ended may have been judged before.
      expect(events.length).toBeGreaterThanOrEqual(good);
      expect(events.length).toBeLessThanOrEqual(good + interrupted);
    },
  );

  it('a thread that executes while others connect: it runs, and neither program is taken for the other', async () => {
    const program = compiled(
      'sibling',
      `${HEAD}static void *connecting(void *unused) {
  for (;;) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    connect(fd, here->ai_addr, here->ai_addrlen);
    close(fd);
  }
  return unused;
}
int main(int count, char **words) {
  find();
  int bad = 0;
  for (int i = 0; i < 150; i++) {
    pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      for (int k = 0; k < 3; k++) pthread_create(&thread, NULL, connecting, NULL);
      usleep((unsigned)(i % 30) * 100);
      execvp(words[1], words + 1);
      _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7) bad++;
  }
  printf("%d %d\\n", count > 1, bad);
}
`,
    );
    const one = client(program, [program, 'sh', '-c', 'exit 7']);
    const done = await direct(scratch, one);
    expect(done.stdout, done.stderr).toBe('1 0\n');
    // The shell connects to nothing. A caller that is gone, or was in the middle of it, has no identity: it is refused.
    expect(done.decisions.length).toBeGreaterThan(0);
    for (const event of done.decisions) {
      if (event.action === 'allow') expect(event).toMatchObject(allowed(one));
      else expect(event).toMatchObject({ reason: 'identity_unavailable', process: { exe: program } });
    }
  });
});
