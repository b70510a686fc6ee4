import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { pretend } from './pretended.ts';

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const nobody = { pid: 1, executables: [] };

/** A listening socket as the launcher hands it over. */
async function listening(): Promise<{ handle: unknown; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { handle: (server as unknown as { _handle: unknown })._handle, port };
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
