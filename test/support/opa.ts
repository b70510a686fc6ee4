/** The real OPA, to compile guardrails with and to run as a server. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtByGo } from './go.ts';

export const opa = await builtByGo('github.com/open-policy-agent/opa', 'v1.22.2');
const OPA = 'program' in opa ? opa.program : '';

/**
 * Compiles one module.
 * @param entrypoints as `package/rule`
 * @returns the path of the bundle
 */
export function opaBundle(
  directory: string,
  rego: string,
  entrypoints: readonly string[],
  data: object | null = null,
): string {
  const source = join(directory, 'guardrail.rego');
  const files = [source];
  writeFileSync(source, rego);
  if (data !== null) {
    files.push(join(directory, 'data.json'));
    writeFileSync(files[1]!, JSON.stringify(data));
  }
  const bundle = join(directory, 'bundle.tar.gz');
  const wanted = entrypoints.flatMap((entrypoint) => ['-e', entrypoint]);
  execFileSync(OPA, ['build', '-t', 'wasm', '-o', bundle, ...wanted, ...files], { stdio: 'pipe' });
  return bundle;
}

export interface OpaServer {
  /** Of `/v1/data`. */
  readonly url: string;
  /** Gives a module. */
  put(rego: string): Promise<void>;
  stop(): void;
}

export async function startOpa(rego: string): Promise<OpaServer> {
  const port = await freePort();
  const child: ChildProcess = spawn(
    OPA,
    ['run', '--server', '--addr', `127.0.0.1:${port}`, '--disable-telemetry'],
    {
      stdio: 'ignore',
    },
  );
  const base = `http://127.0.0.1:${port}/v1`;
  const put = async (text: string): Promise<void> => {
    const { status } = await fetch(`${base}/policies/guardrail`, { method: 'PUT', body: text });
    if (status !== 200) throw new Error(`OPA does not take the module: ${status}`);
  };
  for (let i = 0; ; i += 1) {
    try {
      await put(rego);
      break;
    } catch (error) {
      if (i === 200) throw error;
      await sleep(50);
    }
  }
  return { url: `${base}/data`, put, stop: () => void child.kill('SIGKILL') };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
