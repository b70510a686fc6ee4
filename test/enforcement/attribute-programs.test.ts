/** Programs that set modes, owners, times, extended attributes and flags, or watch, come to the same in a sandbox as without. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { denialsIn, inEachTier, Workplace } from './workplace.ts';

/** Times that are not of now, and owners; whoever asks has another name inside when root asks. */
const SHOW = `find . \\( -newermt 2010-01-01 -printf '%p %M %u\\n' \\) -o -printf '%p %M %u %T@\\n' | sed -E "s/ $(id -un)( |$)/ me\\1/" | sort`;

/** Each is run in an empty directory, with a tree `../tree` beside it; what it prints is compared. */
const PROGRAMS: readonly (readonly [string, string])[] = [
  ['cp -p', `cp -pr ../tree copy && ${SHOW}`],
  ['cp -a onto what is there', `cp -a ../tree/. . && cp -a ../tree/. . && ${SHOW}`],
  ['tar', `tar -C .. -cf t.tar tree && tar -xpf t.tar && rm t.tar && ${SHOW}`],
  ['install -m', `install -D -m 750 -p ../tree/file sub/name && ${SHOW}`],
  ['touch -d', `touch -d 2001-02-03 a && touch -r a b && ln -s a l && touch -h -d 2002-02-03 l && ${SHOW}`],
  [
    'chmod -R',
    `cp -r ../tree t && find t -depth -exec chmod 0 {} + && chmod -R u+rwX t && touch -d 2001-02-03 t t/* && ${SHOW}`,
  ],
  ['mv', `cp -p ../tree/file a && mv a b && ${SHOW}`],
  ['chgrp', `cp -p ../tree/file a && chgrp "$(id -g)" a && chown "$(id -u)" a && ${SHOW}`],
  [
    'git',
    `git init -q . && echo x > f && chmod +x f && git add f &&
git -c user.name=a -c user.email=a@b commit -qm m && git gc -q && git clone -q . ../clone-$$ && rm -rf ../clone-$$ && git status --porcelain && git ls-tree HEAD`,
  ],
  [
    'python',
    `python3 -c '
import os, shutil, tempfile
shutil.copytree("../tree", "copy")
with tempfile.NamedTemporaryFile(dir=".") as file:
    os.fchmod(file.fileno(), 0o640); os.utime(file.fileno(), (1, 2))
    print(oct(os.stat(file.name).st_mode), os.stat(file.name).st_mtime)
with tempfile.TemporaryFile(dir=".") as file:
    os.fchmod(file.fileno(), 0o640); print(oct(os.fstat(file.fileno()).st_mode))
directory = os.open("copy", os.O_RDONLY)
os.chmod("file", 0o700, dir_fd=directory); os.utime("file", (5, 6), dir_fd=directory)
os.chmod("copy/closed", 0o700); shutil.rmtree("copy/closed")
' && ${SHOW}`,
  ],
  [
    'node',
    `node -e '
const fs = require("fs");
fs.writeFileSync("a", ""); fs.chmodSync("a", 0o711); fs.utimesSync("a", 1, 2);
const fd = fs.openSync("a", "r"); fs.fchmodSync(fd, 0o701); fs.futimesSync(fd, 3, 4);
fs.symlinkSync("a", "l"); fs.lutimesSync("l", 5, 6);
const watcher = fs.watch(".", (event, name) => { console.log(name); watcher.close(); });
fs.writeFileSync("b", "");
setTimeout(() => {}, 50);
' && rm b && ${SHOW}`,
  ],
  ['tail -f', `echo first > log; tail -f log & sleep 0.5; echo second >> log; sleep 0.5; kill $!`],
];

inEachTier((tier) => {
  let place: Workplace;
  beforeAll(() => {
    place = new Workplace('attribute-programs', tier);
    for (const root of [place.project, join(place.scratch.path, 'mirror')]) {
      mkdirSync(join(root, 'tree', 'closed'), { recursive: true });
      writeFileSync(join(root, 'tree', 'file'), 'text\n');
      writeFileSync(join(root, 'tree', 'closed', 'file'), 'text\n');
    }
  });
  afterAll(() => place?.remove());

  it.each(PROGRAMS)('%s does what it does without a sandbox', async (_name, program) => {
    const script = `umask 022; chmod 751 ../tree/file && chmod 500 ../tree/closed && touch -d 2003-04-05T06:07:08 ../tree ../tree/* &&
${program}; code=$?; cd .. && chmod -R u+rwX . ; exit $code`;
    const roots = [join(place.scratch.path, 'mirror'), place.project];
    for (const root of roots) {
      rmSync(join(root, 'work'), { recursive: true, force: true });
      mkdirSync(join(root, 'work'));
    }
    const words = ['/bin/sh', '-c', `cd work && ${script}`];
    const without = await place.onHost(words, roots[0]);
    const { code, stdout, events } = await place.run(['--quiet', '--network', 'block'], words);
    expect({ code, stdout }).toEqual({ code: without.code, stdout: without.stdout });
    expect(code).toBe(0);
    expect(stdout).not.toBe('');
    expect(denialsIn(events).filter(({ rule }) => rule?.policy === 'attributes')).toEqual([]);
  });
});
