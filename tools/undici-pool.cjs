// What of undici is bundled (tools/build.mjs).
module.exports = { Pool: require('../node_modules/undici/lib/dispatcher/pool.js') };
