#!/usr/bin/env -S -u NODE_OPTIONS node --inspect-port=240.0.0.1:9229 --
// Starts openshell: loads a bundle of this directory with the machine code that the build kept for it (V8 code cache).
// Reading the source takes longer than running it; a cache of another V8 is not taken, and then it only takes longer.
// The first line drops variables that change how Node itself starts: they are the caller's business, not ours. It gives
// Node's debugger, which SIGUSR1 opens until we listen to that signal, an address that no machine has; and it ends the
// options of Node, which would read a project's `--env-file` as its own.
'use strict';
process.on('SIGUSR1', () => {});
// Opened before, where it was not started by the first line; a signal may be on its way through Node still.
process._debugEnd?.();
setImmediate(() => process._debugEnd?.());
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

function load(name) {
  const filename = `${__dirname}/${name}.js`;
  let cachedData;
  try {
    cachedData = readFileSync(`${__dirname}/${name}.cache`);
  } catch {}
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
  const loaded = { exports: {} };
  script.runInThisContext()(loaded.exports, require, loaded, filename, __dirname);
  // For the build, which knows the scripts by this table.
  globalThis.openshellScripts?.set(name, script);
  return loaded.exports;
}

exports.load = load;
if (require.main === module) load('main');
