/** Mounts that the host makes below a shown directory while a sandbox runs. Only root can make them. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended } from '../support/command.ts';
import { eventually } from '../support/processes.ts';
import { isRootRole } from '../support/product.ts';
import { unavailable, Workplace } from './workplace.ts';

let place: Workplace;
let shown: string;
const host = (...words: string[]): number | null => spawnSync(words[0]!, words.slice(1)).status;

describe.skipIf(unavailable !== null || !isRootRole)('a mount that the host makes later', () => {
  beforeAll(() => {
    place = new Workplace('later-mounts');
    shown = place.scratch.directory('shown');
    place.scratch.atTheEnd(() => host('umount', '--recursive', shown));
    // As the root of a host with systemd is.
    host('mount', '-t', 'tmpfs', 'none', shown);
    host('mount', '--make-shared', shown);
    place.scratch.directory('shown', 'later');
  });
  afterAll(() => place?.remove());

  it('below a read-only directory does not appear inside, where it would be writable and have devices', async () => {
    const script = 'echo x > ready; read go; [ -e "$1/later/null" ] && echo SEEN; :';
    const child = place.start(['--quiet', '--read', shown], ['/bin/sh', '-c', script, 'sh', shown], {
      withInput: true,
    });
    const finished = ended(child);
    await eventually(() => existsSync(join(place.project, 'ready')));
    expect(host('mount', '-t', 'tmpfs', 'none', join(shown, 'later'))).toBe(0);
    host('mknod', '-m', '666', join(shown, 'later', 'null'), 'c', '1', '3');
    child.stdin!.end('go\n');
    expect((await finished).stdout).not.toContain('SEEN');
  });
});
