import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { EndpointCredential } from '../../../../src/plan/plan.ts';
import { CREDENTIAL, injector, ph, SECRET, TOKEN } from '../../../inject/pretended.ts';
import { eventually, onCleanup } from '../../harness.ts';
import { serving } from './serving.ts';

const FILLS: EndpointCredential = { ...CREDENTIAL, cleartext: true, websocket: true };

/** A client through the proxy to a server that says back what it hears, and what it was asked with. */
async function session(credential: EndpointCredential | null, authorization: string) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
  await new Promise((resolve) => server.once('listening', resolve));
  const heard: string[] = [];
  server.on('connection', (socket, { headers }) => {
    heard.push(headers.authorization ?? '');
    socket.on('error', () => undefined);
    socket.on('message', (data, binary) => {
      heard.push(String(data));
      socket.send(data, { binary });
    });
  });
  const { port, events } = await serving(
    (server.address() as AddressInfo).port,
    ['* /**'],
    undefined,
    credential,
    injector,
  );
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`, { headers: { Host: 'a.test', authorization } });
  const seen: string[] = [];
  socket.on('open', () => seen.push('open'));
  socket.on('message', (data) => seen.push(String(data)));
  socket.on('close', (code, reason) => seen.push(`close ${code} ${reason}`));
  socket.on('error', (error) => seen.push(error.message));
  onCleanup(() => {
    socket.terminate();
    for (const client of server.clients) client.terminate();
    return new Promise((resolve) => server.close(resolve));
  });
  await eventually(() => seen.length > 0);
  return { socket, seen, heard, events };
}

it('the handshake and text get the credential, and what comes back is masked', async () => {
  const { socket, seen, heard } = await session(FILLS, `Bearer ${ph('TOKEN')}`);
  socket.send(JSON.stringify({ token: ph('SECRET') }));
  socket.send(ph('TOKEN'));
  await eventually(() => seen.length === 3);
  expect(heard).toEqual([`Bearer ${TOKEN}`, JSON.stringify({ token: SECRET }), TOKEN]);
  expect(seen[0]).toBe('open');
  expect(seen[1]).toMatch(/^\{"token":"\*+"\}$/);
  expect(seen[2]).toBe('*'.repeat(TOKEN.length));
});

it.each([
  ['the credential of another host', FILLS, 'OTHER', 'credential_endpoint_mismatch'],
  ['one where none is bound', null, 'TOKEN', 'credential_endpoint_mismatch'],
  ['one in text that is not rewritten', { ...FILLS, websocket: false }, 'TOKEN', 'credential_not_placeable'],
])('text is refused with %s', async (_, credential, variable, reason) => {
  const { socket, seen, heard, events } = await session(credential, 'none');
  socket.send(`say ${ph(variable)}`);
  await eventually(() => seen.length === 2);
  expect(seen[1]).toMatch(/^close 1008 credential/);
  expect(heard).toEqual(['none']);
  expect(events.at(-1)).toMatchObject({ type: 'denial', reason, subject: { method: 'WEBSOCKET_TEXT' } });
});

it('binary messages are refused where a credential is bound', async () => {
  const { socket, seen } = await session(FILLS, 'none');
  socket.send(Buffer.from([1, 2, 3]));
  await eventually(() => seen.length === 2);
  expect(seen[1]).toMatch(/^close 1008 binary/);
});

it('a handshake with a placeholder that is not bound is refused', async () => {
  const { seen, heard } = await session(null, `Bearer ${ph('TOKEN')}`);
  expect(seen.join()).toContain('403');
  expect(heard).toEqual([]);
});
