// Starts openshell: loads a bundle of this directory with the machine code that the build kept for it (V8 code cache).
// Reading the source takes longer than running it; a cache of another V8 is not taken, and then it only takes longer.
// The build puts two lines of shell before it.
'use strict';
process.on('SIGUSR1', () => {});
// Opened before, where it was not started by those lines; a signal may be on its way through Node still.
process._debugEnd?.();
setImmediate(() => process._debugEnd?.());
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

/** Takes the marks off that those lines put before the arguments. */
function unmark([node, script, mark, ...args]) {
  if (mark === '+') process.argv = [node, script, ...args.map((arg) => arg.slice(1))];
}

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
if (require.main === module) {
  unmark(process.argv);
  load('main');
}
