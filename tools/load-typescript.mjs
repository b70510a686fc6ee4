// Loads a TypeScript module of src/ into a tool: bundled in memory, since Node 20 cannot run it as it is.
import { build } from 'esbuild';

/** @param {string} entry path from the repository's root */
export async function loadTypeScript(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    banner: {
      js: "import { createRequire as _cr } from 'node:module'; const require = _cr(process.cwd() + '/');",
    },
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
