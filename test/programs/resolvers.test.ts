/** The resolvers of C libraries, which look at sockets of their own before they ask for a name, and at /etc/hosts. */
import { execFileSync } from 'node:child_process';
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

/** Prints what each name is, for AI_ADDRCONFIG, and connects to the first that has an address outside. */
const SOURCE = `#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int count, char **names) {
  for (int i = 1; i < count; i++) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found;
    int error = getaddrinfo(names[i], "7000", &hints, &found);
    if (error != 0) {
      printf("%s: %s\\n", names[i], error == EAI_NONAME ? "no name" : gai_strerror(error));
      continue;
    }
    char text[64], greeting[16] = "";
    for (struct addrinfo *one = found; one != NULL; one = one->ai_next) {
      getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
      if (one->ai_family == AF_INET) break;
    }
    if (strncmp(text, "127.", 4) == 0) {
      printf("%s: %s\\n", names[i], text);
      continue;
    }
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0 || read(fd, greeting, 5) != 5) perror("connect");
    printf("%s: %s\\n", names[i], greeting);
    close(fd);
  }
  return 0;
}
`;

describe.each([
  ['glibc', 'cc', []],
  ['musl', 'musl-gcc', []],
  ['musl, linked statically', 'musl-gcc', ['-static']],
] as const)('%s', (name, compiler, flags) => {
  it.skipIf(find(compiler) === null)(
    `finds names with AI_ADDRCONFIG, and localhost${because(missing(compiler))}`,
    async () => {
      const source = scratch.write('home/project/resolve.c', SOURCE);
      const program = join(scratch.project, `resolve-${name.replace(/\W+/g, '-')}`);
      execFileSync(find(compiler)!, [...flags, '-o', program, source]);
      const client: Client = {
        command: [program, 'greeter.test', 'localhost', 'nobody.test'],
        ...{ binary: program, host: 'greeter.test', port: 7000, server: greeting.port },
      };
      const done = await direct(scratch, client);
      expect(done.stdout, done.stderr).toBe(
        'greeter.test: hello\nlocalhost: 127.0.0.1\nnobody.test: no name\n',
      );
      const names = done.decisions.filter(({ subject }) => subject.kind === 'name');
      const connects = done.decisions.filter(({ subject }) => subject.kind !== 'name');
      expect(connects).toMatchObject([allowed(client)]);
      expect(names.length).toBeGreaterThan(0);
      for (const event of names)
        expect(event).toMatchObject({ action: 'deny', subject: { name: 'nobody.test' } });
    },
  );
});
