/** Results and reasons: docs/conformance.md. `OPENSHELL_CONFORMANCE=all` runs every case, which takes half an hour. */
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { onCleanup } from '../http/harness.ts';
import { serving } from '../http/inspected/websocket/serving.ts';
import { skipped } from '../support/installed-once.ts';
import { againstClient, againstServer, type CaseResult, installedKosoku } from './kosoku.ts';

/** Of compression: messages of one size under each set of parameters; the others differ in size alone. */
const SOME = ['1.*', '2.*', '3.*', '4.*', '5.*', '6.*', '7.*', '9.*', '10.*', '12.*.5', '13.*.5'];
const ALL = [...SOME.slice(0, 9), '12.*', '13.*'];
const isWhole = process.env['OPENSHELL_CONFORMANCE'] === 'all';
const cases = isWhole ? ALL : SOME;
/** Text messages of 8 and 16 MiB: 4 MiB is the limit of what is read. */
const TOO_LARGE = ['9.1.5', '9.1.6'];

/** Small messages that go on uncompressed: kosoku gives their text to a function that takes bytes, and stops. */
const UNCOMPRESSED = isWhole
  ? ['12.1', '12.4', '13.1', '13.2', '13.3', '13.4', '13.5', '13.6', '13.7'].flatMap((group) => [
      `${group}.1`,
      `${group}.2`,
    ])
  : [];

const MESSAGES = { maxPayload: 64 * 1024 * 1024, maxFragments: 100_000, perMessageDeflate: { threshold: 0 } };

const kosoku = await installedKosoku();
const failed = (results: readonly CaseResult[]): string[] =>
  results.filter(({ passed }) => !passed).map(({ id }) => id);
const timeout = isWhole ? 3_600_000 : 600_000;

describe.skipIf('missing' in kosoku)(`Autobahn's cases through the relay${skipped(kosoku)}`, () => {
  const { program: python } = kosoku as { program: string };

  it('pass as they do for the server behind it', { timeout }, async () => {
    const echo = new WebSocketServer({ port: 0, host: '127.0.0.1', ...MESSAGES });
    await new Promise((resolve) => echo.once('listening', resolve));
    onCleanup(() => new Promise((resolve) => echo.close(resolve)));
    echo.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const { port, defects } = await serving((echo.address() as AddressInfo).port, ['* /**']);
    const results = await againstServer(python, `ws://127.0.0.1:${port}/`, cases);
    expect(results.length).toBeGreaterThan(300);
    expect(failed(results).sort()).toEqual(TOO_LARGE);
    expect(defects).toEqual([]);
  });

  it('pass as they do for the client before it', { timeout }, async () => {
    const results = await againstClient(python, cases, async (upstream) => {
      const { port } = await serving(upstream, ['* /**']);
      const open = (path: string, onMessage: (socket: WebSocket, data: RawData, isBinary: boolean) => void) =>
        new Promise<void>((resolve) => {
          const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, MESSAGES);
          socket.on('message', (data, isBinary) => onMessage(socket, data, isBinary));
          socket.on('error', () => undefined);
          socket.on('close', () => resolve());
        });
      let count = 0;
      await open('/getCaseCount', (_socket, data) => {
        count = Number(String(data));
      });
      for (let i = 1; i <= count; i += 1)
        await open(`/runCase?case=${i}&agent=relayed`, (socket, data, binary) =>
          socket.send(data, { binary }),
        );
      await open('/updateReports?agent=relayed', () => undefined);
    });
    expect(results.length).toBeGreaterThan(300);
    expect(failed(results).sort()).toEqual([...TOO_LARGE, ...UNCOMPRESSED].sort());
  });
});
