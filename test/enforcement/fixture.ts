/** The files that are attacked: a home, a project, a place outside, and a read-only place. */
import { chmodSync, copyFileSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Stands in every file that must not be read. */
export const WORD = 'TOP-SECRET-WORD';

/** A file of the project that has the bit. */
export const SET_USER_ID = 'set-user-id';

export interface Places {
  readonly home: string;
  readonly project: string;
  readonly outside: string;
  readonly readOnly: string;
  /** Where openshell, its cache and the operator's files are: the project, wherever they can be held there. */
  readonly own: string;
  /** openshell's cache. */
  readonly cache: string;
}

const PROJECT_FILES: Readonly<Record<string, string>> = {
  '.git/HEAD': 'ref: refs/heads/main\n',
  '.git/config': '[core]\n\trepositoryformatversion = 0\n\tbare = false\n',
  '.git/hooks/pre-commit': '#!/bin/sh\n',
  '.git/objects/info/packs': '\n',
  '.git/refs/heads/.keep': '',
  '.envrc': 'export A=b\n',
  '.vscode/tasks.json': '{}\n',
  '.mcp.json': '{}\n',
  '.claude/settings.json': '{}\n',
  '.bashrc': '# start\n',
  '.profile': '# start\n',
  '.zshrc': '# start\n',
  '.config/fish/config.fish': '# start\n',
  'denied/secret': `${WORD}\n`,
  'denied-file': `${WORD}\n`,
  'nested/hidden/secret': `${WORD}\n`,
  'kept/file': 'kept\n',
  'kept-file': 'kept\n',
  'notes.txt': 'notes\n',
};

const OWN_FILES: Readonly<Record<string, string>> = {
  'variables.env': 'FROM_FILE=yes\n',
  'events.jsonl': '',
};

/** What stands in for an installation where openshell is not started. */
const STAND_INS: Readonly<Record<string, string>> = {
  'node_modules/@openshell/cli/dist/openshell.cjs': '// program\n',
  'node_modules/@openshell/cli/launcher/bin/openshell-launcher': 'launcher\n',
  'cache/openshell/plans/1111': 'plan\n',
};

export interface PlacesOptions {
  readonly standIns: boolean;
  /** What is openshell's lies outside of the project. */
  readonly apart?: boolean;
}

/** Makes all of it below `base`. */
export function makePlaces(base: string, { standIns, apart = false }: PlacesOptions): Places {
  const places = placesIn(base, apart);
  const { home, project, outside, readOnly, own } = places;
  write(join(home, '.ssh', 'id_test'), `${WORD}\n`, 0o600);
  write(join(home, '.bashrc'), '# ORIGINAL\n');
  write(join(outside, 'secret'), `${WORD}\n`, 0o600);
  write(join(outside, 'file'), 'file\n');
  copyFileSync(realpathSync('/bin/true'), join(outside, 'true'));
  chmodSync(join(outside, 'true'), 0o755);
  write(join(readOnly, 'file'), 'read only\n');
  write(join(readOnly, 'sub', 'file'), 'read only\n');
  mkdirSync(join(readOnly, 'empty'));
  for (const [name, text] of Object.entries(PROJECT_FILES)) write(join(project, name), text);
  for (const [name, text] of Object.entries(OWN_FILES)) write(join(own, name), text);
  write(join(project, SET_USER_ID), '#!/bin/sh\n');
  chmodSync(join(project, SET_USER_ID), 0o4755);
  if (standIns) {
    for (const [name, text] of Object.entries(STAND_INS)) write(join(own, name), text);
    mkdirSync(join(own, 'node_modules', '.bin'));
    symlinkSync('../@openshell/cli/dist/openshell.cjs', join(own, 'node_modules', '.bin', 'openshell'));
    write(join(own, 'policy.yaml'), 'version: 1\n');
  } else {
    mkdirSync(places.cache);
  }
  symlinkSync(join(outside, 'secret'), join(project, 'link-out'));
  mkdirSync(join(project, 'mnt'));
  return places;
}

function placesIn(base: string, apart: boolean): Places {
  const project = join(base, 'project');
  const own = apart ? join(base, 'own') : project;
  return {
    home: join(base, 'home'),
    project,
    outside: join(base, 'outside'),
    readOnly: join(base, 'read-only'),
    own,
    cache: join(own, 'cache'),
  };
}

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
}
