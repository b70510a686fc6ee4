/** Files in a writable directory that the host trusts or executes later, and openshell's own. */
import { attack, call, lacking, type Probe, type Subject } from '../probe.ts';

/** By the name under which the probe is known. */
const APPENDED = {
  'git-config': '.git/config',
  'git-hook': '.git/hooks/pre-commit',
  envrc: '.envrc',
  vscode: '.vscode/tasks.json',
  mcp: '.mcp.json',
  claude: '.claude/settings.json',
  bashrc: '.bashrc',
  profile: '.profile',
  zshrc: '.zshrc',
  fish: '.config/fish/config.fish',
  'listed-file': 'kept-file',
  'listed-directory': 'kept/file',
};

const own = (id: string, what: string, script: string): Probe => attack(`own-${id}`, what, 'control', script);

export const protectedFiles: Subject = {
  title: 'Protected files',
  safeAsRoot: true,
  probes: [
    ...lacking('private root', [
      ...Object.entries(APPENDED).map(([id, name]) =>
        attack(`protected-append-${id}`, `append to \`${name}\``, 'control', `echo x >> ${name}`),
      ),
      attack('protected-new-hook', 'make a new git hook', 'control', 'echo x > .git/hooks/post-merge'),
      attack('protected-git', 'have git change the configuration', 'control', 'git config user.name x'),
      attack('protected-unlink', 'remove a protected file', 'control', 'rm -f .envrc'),
      attack(
        'protected-unlink-directory',
        'remove a protected directory',
        'control',
        'rm -rf .claude && [ ! -e .claude ]',
      ),
      attack(
        'protected-replace',
        'rename another file over it',
        'control',
        'echo x > "r-$ID" && mv -f "r-$ID" .envrc',
      ),
      attack(
        'protected-link-over',
        'put a link in its place',
        'control',
        'ln -sf kept-file .envrc && [ -L .envrc ]',
      ),
      attack('protected-rename', 'move it away', 'control', 'mv .git/hooks "m-$ID"'),
      attack('protected-rename-parent', 'move the directory above it away', 'control', 'mv .git "m-$ID"'),
      attack(
        'protected-rename-grandparent',
        'move a directory further above away',
        'control',
        'mv .config "m-$ID"',
      ),
      call(
        'protected-exchange',
        'exchange .git/hooks nested',
        'exchange it with a directory of its own',
        'control',
        { errno: 'EXDEV' },
      ),
      call(
        'protected-exchange-parent',
        'exchange .git nested',
        'exchange the directory above it',
        'control',
        {
          errno: 'EBUSY',
        },
      ),
      attack(
        'protected-link',
        'write by a symbolic link',
        'control',
        'ln -s .git "l-$ID" && echo x >> "l-$ID/config"',
      ),
      attack(
        'protected-hard-link',
        'write by a hard link',
        'control',
        'ln .git/config "h-$ID" && echo x >> "h-$ID"',
      ),
      call(
        'protected-link-descriptor',
        'link-descriptor .git/config "h-$ID"',
        'link a descriptor of it elsewhere',
        'control',
        { errno: 'EXDEV' },
      ),
      attack(
        'protected-proc-root',
        'write by /proc/self/root',
        'control',
        'echo x >> "/proc/self/root$PROJECT/.git/config"',
      ),
      attack(
        'protected-proc-cwd',
        'write by /proc/self/cwd',
        'control',
        'echo x >> /proc/self/cwd/.git/config',
      ),
      attack(
        'protected-descriptor',
        'write by the descriptor of a directory',
        'control',
        'exec 3< .git; echo x >> /proc/self/fd/3/config',
      ),
      call(
        'protected-reopen',
        'reopen .git/config',
        'open it for reading and then again for writing',
        'control',
        { errno: 'EROFS' },
      ),
      call('protected-truncate', 'truncate .git/config', 'truncate it', 'control', { errno: 'EROFS' }),
      call(
        'protected-open-truncate',
        'open-truncate .git/config',
        'truncate it while opening it',
        'control',
        {
          errno: 'EROFS',
        },
      ),
      call('protected-mapping', 'write-mapping .git/config', 'write to a mapping of it', 'control', {
        errno: 'EROFS',
      }),
      call('protected-mode', 'fchmodat .git/hooks/pre-commit 0777', 'change its mode', 'control', {
        errno: 'EROFS',
      }),
      call('protected-times', 'change-times .git/config', 'change its times', 'control', { errno: 'EROFS' }),
      call('protected-attribute', 'set-attribute .git/config', 'set an extended attribute', 'control', {
        errno: 'EROFS',
      }),
    ]),
    attack('protected-rename-root', 'move the whole project', 'control', 'mv "$PROJECT" "$PROJECT-moved"'),
    call('protected-unmount', 'umount2 "$PROJECT/.git/hooks"', 'unmount what holds it', 'userns-control'),
    own('policy-append', 'change the policy file', 'echo x >> "$POLICY"'),
    own('policy-unlink', 'remove the policy file', 'rm -f "$POLICY"'),
    own('policy-replace', 'replace the policy file', 'echo x > "r-$ID" && mv -f "r-$ID" "$POLICY"'),
    own('events-append', 'forge an event', 'echo "{}" >> "$EVENTS"'),
    own('events-truncate', 'cut the file of events', ': > "$EVENTS"'),
    own('events-replace', 'replace the file of events', 'echo x > "r-$ID" && mv -f "r-$ID" "$EVENTS"'),
    own('variables', 'change the file of variables', 'echo X=y >> "$OWN/variables.env"'),
    own('cache-create', 'put a plan of its own into the cache', 'echo x > "$CACHE/openshell/plans/0000"'),
    own(
      'cache-change',
      'change a plan in the cache',
      'for plan in "$CACHE"/openshell/plans/*; do echo x >> "$plan" && exit 0; done; exit 1',
    ),
    own('cache-rename', 'move the cache away', 'mv "$CACHE" "m-$ID"'),
    own(
      'program',
      "change openshell's program",
      'echo x >> "$OWN/node_modules/@openshell/cli/dist/openshell.cjs"',
    ),
    own(
      'launcher',
      "change openshell's launcher",
      'echo x >> "$OWN/node_modules/@openshell/cli/launcher/bin/openshell-launcher"',
    ),
    own(
      'launcher-replace',
      "replace openshell's launcher",
      'echo x > "r-$ID" && mv -f "r-$ID" "$OWN/node_modules/@openshell/cli/launcher/bin/openshell-launcher"',
    ),
    own(
      'command-link',
      'replace the link that the command is started by',
      'ln -sf ../../notes.txt "$OWN/node_modules/.bin/openshell"',
    ),
    own('package-rename', 'move the package away', 'mv "$OWN/node_modules/@openshell" "m-$ID"'),
    own('modules-rename', 'move all packages away', 'mv "$OWN/node_modules" "m-$ID"'),
  ],
};
