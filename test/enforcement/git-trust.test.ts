/**
 * A workload writes into a repository; then its owner uses git there. Nothing of the workload may run on the host. Each
 * attack first works without a sandbox. Those marked as failing work in one too.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unavailable, Workplace } from './workplace.ts';

const noGit = spawnSync('git', ['--version']).status === 0 ? null : 'there is no git';

let place: Workplace;
beforeAll(() => {
  if (unavailable === null) place = new Workplace('git-trust');
});
afterAll(() => place?.remove());

/** What git would run for the attacker: it leaves a mark outside of the project. */
const mark = (): string => join(place.scratch.path, 'mark');
const hook = (): string => `sh -c 'echo x > ${mark()}' hook`;

interface Attack {
  readonly what: string;
  /** A script in the repository's directory; `$HOOK` is a command that leaves the mark. */
  readonly script: string;
  /** What the owner does then, in the same directory. */
  readonly afterwards: string;
  /** Further options of `openshell run`. */
  readonly options?: () => readonly string[];
  /** It cannot be prevented by holding files that exist: the run ends with a warning that names the file. */
  readonly warned?: RegExp;
}

const FSMONITOR =
  'printf "[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tfsmonitor = \\"%s\\"\\n" "$HOOK"';

const ATTACKS: readonly Attack[] = [
  {
    what: 'a new hook',
    script: 'printf "#!/bin/sh\\n%s\\n" "$HOOK" > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit',
    afterwards: 'git commit -q --allow-empty -m x',
  },
  { what: 'the configuration', script: 'git config core.fsmonitor "$HOOK"', afterwards: 'git status' },
  {
    what: 'another directory of hooks',
    script:
      'mkdir h; printf "#!/bin/sh\\n%s\\n" "$HOOK" > h/pre-commit; chmod +x h/pre-commit; git config core.hooksPath h',
    afterwards: 'git commit -q --allow-empty -m x',
  },
  {
    what: 'a new repository in the place of the old one',
    script: `mv .git old; git init -q .; ${FSMONITOR} > .git/config`,
    afterwards: 'git status',
  },
  {
    what: 'a file in the place of the repository',
    script: `cp -r .git evil; ${FSMONITOR} > evil/config; mv .git old; echo "gitdir: evil" > .git`,
    afterwards: 'git status',
  },
  {
    what: 'the common directory of the repository (`.git/commondir`)',
    script: `mkdir .git/evil; cp -r .git/objects .git/refs .git/evil; ${FSMONITOR} > .git/evil/config; echo evil > .git/commondir`,
    afterwards: 'git status',
    warned: /\.git\/commondir/,
  },
  {
    what: 'a bare repository around one that is made invalid',
    script: `mv .git/HEAD .git/HEAD.old; mkdir objects refs; echo "ref: refs/heads/main" > HEAD; ${FSMONITOR} > config; printf "\\tworktree = $PWD\\n" >> config`,
    afterwards: 'git status',
    warned: /trust what was made or changed in this run: \S*\/project;/,
  },
  {
    what: 'the configuration of a submodule (`.git/modules`)',
    script: 'git config -f .git/modules/part/config core.fsmonitor "$HOOK"',
    afterwards: 'git status',
  },
  {
    what: 'a hook, where a directory above the project is writable too',
    script: 'printf "#!/bin/sh\\n%s\\n" "$HOOK" > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit',
    afterwards: 'git commit -q --allow-empty -m x',
    options: () => ['--write', place.scratch.path],
  },
  {
    what: 'a repository of its own in a directory that the owner enters',
    script: `git init -q new; ${FSMONITOR} > new/.git/config`,
    afterwards: 'git -C new status',
    warned: /\/new\/\.git/,
  },
];

describe.skipIf(unavailable !== null || noGit !== null)(
  'what a workload writes into a repository runs nothing on the host:',
  () => {
    beforeEach(async () => {
      for (const path of [place.project, mark(), join(place.scratch.path, 'part')])
        rmSync(path, { recursive: true, force: true });
      mkdirSync(place.project);
      place.write(
        '.gitconfig',
        '[user]\n\tname = x\n\temail = x@example.test\n[init]\n\tdefaultBranch = main\n',
        place.home,
      );
      const script = `git init -q ../part && git -C ../part commit -q --allow-empty -m part && git init -q . &&
      git -c protocol.file.allow=always submodule --quiet add ../part part && git commit -q -m first`;
      const { code, stderr } = await place.onHost(['/bin/sh', '-c', script]);
      expect(code, stderr).toBe(0);
    });

    const words = (script: string): string[] => ['/bin/sh', '-c', `HOOK="$1"; ${script}`, 'sh', hook()];

    describe.each(ATTACKS)('$what', ({ script, afterwards, options, warned }) => {
      it('works without a sandbox', async () => {
        await place.onHost(words(script));
        await place.onHost(['/bin/sh', '-c', afterwards]);
        expect(existsSync(mark())).toBe(true);
      });

      it.skipIf(warned !== undefined)('does not work in one', async () => {
        await place.run(['--quiet', ...(options?.() ?? [])], words(script));
        await place.onHost(['/bin/sh', '-c', afterwards]);
        expect(existsSync(mark())).toBe(false);
      });

      it.runIf(warned !== undefined)('is told of after one', async () => {
        const { stderr } = await place.run([], words(script));
        expect(stderr).toMatch(warned!);
      });
    });
  },
);
