/** What the warden remembers is for the program that was judged: not for another content, nor for what a process becomes. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { allowed, type Client, direct } from './support/direct.ts';
import { because, find, missing } from './support/host.ts';
import { closeRawServers, greeter, type RawServer, rawServer } from './support/raw-servers.ts';
import { useScratch } from './support/scratch.ts';

const scratch = useScratch();
closeRawServers();

/** Connects twice, then becomes what it is told to be. */
const SOURCE = `#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int count, char **words) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *here;
  if (getaddrinfo("greeter.test", "7000", &hints, &here) != 0) return 1;
  for (int i = 0; i < 2; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int failed = connect(fd, here->ai_addr, here->ai_addrlen);
    printf("%s %s\\n", CONTENT, failed ? strerror(errno) : "connected");
    close(fd);
  }
  fflush(stdout);
  if (count > 1) execv(words[1], words + 1);
  return 0;
}
`;
const REFUSED = 'Permission denied';

describe.skipIf(find('cc') === null)(`a verdict that is remembered${because(missing('cc'))}`, () => {
  let greeting: RawServer;
  beforeAll(async () => {
    greeting = await rawServer(greeter);
  });

  const compiled = (name: string, content: string): string => {
    const program = join(scratch.project, name);
    const source = scratch.write('home/project/twice.c', SOURCE);
    execFileSync(find('cc')!, [`-DCONTENT="${content}"`, '-o', program, source]);
    return program;
  };
  const client = (binary: string, command: readonly string[]): Client => ({
    ...{ command, binary, host: 'greeter.test', port: 7000, server: greeting.port },
  });

  it('holds no longer when other content is at the path of the program, and holds again for the first', async () => {
    const program = compiled('changed', 'first');
    compiled('second', 'second');
    const script = './changed; cp changed kept; mv second changed; ./changed; mv kept changed; ./changed';
    const one = client(program, ['sh', '-c', script]);
    const done = await direct(scratch, one);
    const [first, second] = ['first connected\n'.repeat(2), `second ${REFUSED}\n`.repeat(2)];
    expect(done.stdout, done.stderr).toBe(`${first}${second}${first}`);
    const of = (wanted: string) => done.decisions.filter(({ action }) => action === wanted);
    expect(of('allow')).toHaveLength(4);
    for (const event of of('allow')) expect(event).toMatchObject(allowed(one));
    expect(of('deny').reduce((sum, { count }) => sum + count, 0)).toBe(2);
    for (const event of of('deny'))
      expect(event).toMatchObject({
        reason: 'binary_changed',
        subject: { host: 'greeter.test', port: 7000 },
        process: { exe: program },
      });
  });

  it('is not for the program that a process executes afterwards', async () => {
    const program = compiled('hop', 'hop');
    const other = compiled('other', 'other');
    const done = await direct(scratch, client(program, [program, other]));
    expect(done.stdout, done.stderr).toBe(`${'hop connected\n'.repeat(2)}${`other ${REFUSED}\n`.repeat(2)}`);
    const denied = done.decisions.filter(({ action }) => action === 'deny');
    expect(denied.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    for (const event of denied)
      expect(event).toMatchObject({ reason: 'binary_not_listed', process: { exe: other } });
  });
});
