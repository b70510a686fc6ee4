// What of undici is bundled for calls of models (tools/build.mjs): a pool that has `request`, as undici's own index gives it.
const Dispatcher = require('../node_modules/undici/lib/dispatcher/dispatcher.js');
Dispatcher.prototype.request = require('../node_modules/undici/lib/api/api-request.js');
module.exports = require('./undici-pool.cjs');
