/** A launcher that is told that this kernel lacks what came later: calls end the same, by the longer way. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { because, find, isRoot, missing } from '../programs/support/host.ts';
import { openshell, PACKAGE } from '../programs/support/openshell.ts';
import { closeRawServers, greeter, type RawServer, rawServer } from '../programs/support/raw-servers.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
closeRawServers();

/** A flag that no kernel knows stands for each that came later (seccomp(2), seccomp_unotify(2), pidfd_open(2)). */
const UNKNOWN: readonly (readonly [file: string, text: string, instead: string])[] = [
  ['confine.c', '| SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;', '| (1UL << 30);'],
  ['answer.c', '= SECCOMP_ADDFD_FLAG_SEND |', '= (1u << 30) |'],
  ['answer.c', '~(uint32_t)SECCOMP_ADDFD_FLAG_SEND', '~(1u << 30)'],
  ['sys.h', '#define SYS_PIDFD_THREAD ((unsigned)O_EXCL)', '#define SYS_PIDFD_THREAD 0x40000000u'],
];

const CONNECTS = 1000;
/** Connects from threads or not, with a timer that rings all the time and has calls made again. */
const SOURCE = `#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
static struct addrinfo *here;
static void ring(int signal) { (void)signal; }
static void *connecting(void *bad) {
  for (int i = 0; i < ${CONNECTS} / 2; i++) {
    char text[5];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, here->ai_addr, here->ai_addrlen) != 0 || recv(fd, text, 5, MSG_WAITALL) != 5) {
      fprintf(stderr, "errno %d\\n", errno);
      ++*(int *)bad;
    }
    close(fd);
  }
  return NULL;
}
int main(void) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct sigaction action = {.sa_handler = ring, .sa_flags = SA_RESTART};
  struct itimerval often = {{0, 300}, {0, 300}};
  int bad[2] = {0, 0};
  pthread_t thread;
  if (getaddrinfo("greeter.test", "7000", &hints, &here) != 0) return 1;
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  pthread_create(&thread, NULL, connecting, &bad[0]);
  connecting(&bad[1]);
  pthread_join(thread, NULL);
  printf("%d %d\\n", bad[0], bad[1]);
  return 0;
}
`;

describe.skipIf(find('cc') === null)(`on an older kernel${because(missing('cc'))}`, () => {
  const copy = join(scratch.root, 'package');
  const program = join(scratch.project, 'storm');
  let greeting: RawServer;
  beforeAll(async () => {
    greeting = await rawServer(greeter);
    for (const name of ['dist', 'launcher', 'tools', 'package.json', 'schema'])
      cpSync(join(PACKAGE, name), join(copy, name), { recursive: true });
    for (const [file, text, instead] of UNKNOWN) {
      const path = join(copy, 'launcher', file);
      const before = readFileSync(path, 'utf8');
      expect(before).toContain(text);
      writeFileSync(path, before.replace(text, instead));
    }
    execFileSync(process.execPath, [join(copy, 'tools', 'build-launcher.mjs')], { stdio: 'pipe' });
    execFileSync(find('cc')!, ['-pthread', '-o', program, scratch.write('home/project/storm.c', SOURCE)]);
  });

  // Without namespaces root would have to name a user of the program.
  it.each(isRoot ? ['namespaces'] : ['namespaces', 'platform'])(
    'a connect that a signal has made once more succeeds: %s tier',
    async (tier) => {
      const before = greeting.connections;
      const options = ['--quiet', '--allow', 'greeter.test:7000'];
      options.push('--connect-to', `greeter.test:7000:127.0.0.1:${greeting.port}`);
      const done = await openshell(['run', '--tier', tier, ...options, '--', program], {
        ...{ cwd: scratch.project, home: scratch.home },
        script: join(copy, 'dist', 'openshell.cjs'),
      });
      expect(done.stdout, done.stderr).toBe('0 0\n');
      expect(greeting.connections - before).toBeGreaterThanOrEqual(CONNECTS);
    },
  );
});
