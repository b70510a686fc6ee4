import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Launcher, LauncherHandlers, WaitingLauncher } from '../../src/launch/launcher.ts';
import { run } from '../../src/session/run.ts';
import { compiled } from '../compile/compiled.ts';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const nobody = { pid: 1, executables: [] };

/** A listening socket as the launcher hands it over. */
async function listening(): Promise<{ handle: unknown; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { handle: (server as unknown as { _handle: unknown })._handle, port };
}

/** A sandbox without a launcher: `play` says what it tells. */
function pretend(
  play: (handlers: LauncherHandlers, verdict: Promise<void>) => Promise<void>,
): Promise<number> {
  let judged = (): void => {};
  const verdict = new Promise<void>((resolve) => {
    judged = resolve;
  });
  const nothing = (): void => {};
  const launcher: Launcher = {
    signal: nothing,
    verdict: () => judged(),
    forget: nothing,
    datagrams: nothing,
    deliver: nothing,
    resize: nothing,
    kill: nothing,
  };
  const waiting: WaitingLauncher = {
    abandon: async () => {},
    launch: (_plan, _request, handlers) => {
      void play(handlers, verdict);
      return launcher;
    },
  };
  return run({
    plan: compiled(
      'version: 1\nnetwork_policies:\n  a:\n    endpoints: [{host: a.test, port: 80}]\n    binaries: [/**]\n',
    ),
    document: new Uint8Array(),
    launcher: waiting,
    request: { command: ['x'], environment: [], searchPath: '', terminal: false },
    connectTo: [],
    events: null,
    timeout: null,
    quiet: true,
    degraded: [],
    warn: nothing,
  });
}

describe('the socket of the proxy', () => {
  it.each(['before', 'after'] as const)(
    'is served when it comes %s the first report about a connection',
    async (when) => {
      const { handle, port } = await listening();
      let answer = '';
      const code = await pretend(async (handlers, verdict) => {
        await Promise.resolve();
        if (when === 'before') handlers.listener('proxy', handle);
        handlers.report({
          kind: 'open',
          id: 1n,
          sends: false,
          socketType: 1,
          address: LOOPBACK,
          port: 3128,
          process: nobody,
        });
        await verdict;
        if (when === 'after') handlers.listener('proxy', handle);
        const client = connect(port, '127.0.0.1');
        await once(client, 'connect');
        const { localPort } = client;
        handlers.report({ kind: 'peer', id: 1n, port: localPort!, address: LOOPBACK });
        client.write('GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n');
        const [first] = await once(client, 'data');
        answer = String(first);
        client.destroy();
        handlers.report({ kind: 'exited', code: 7, signal: 0 });
        handlers.ended(null);
      });
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
      expect(code).toBe(7);
    },
  );
});
