import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/session/control-client.ts';
import { CONTROL_LIMITS, parseRequest, serveClient } from '../../src/session/control-protocol.ts';
import { type ControlSocket, openControlSocket } from '../../src/session/control-socket.ts';
import type { ReloadOutcome } from '../../src/session/policy-reloader.ts';
import { Scratch } from '../support/scratch.ts';

const APPLIED: ReloadOutcome = {
  result: 'applied',
  generation: 2,
  closed: 1,
  killed: 0,
  surviving: 0,
  pending: [],
  messages: [],
};
const RUN = `mabc123-${process.pid.toString(36)}`;

const closed = (client: Socket): Promise<void> =>
  new Promise((resolve) => client.once('close', () => resolve()));

describe('a request', () => {
  it.each(['reload', 'status'])('may be %s', (request) => {
    expect(parseRequest(JSON.stringify({ v: 1, request }))).toEqual({ ok: true, value: request });
  });

  it.each([
    ['', 'no JSON'],
    ['[]', 'no object'],
    ['null', 'no object'],
    ['"reload"', 'no object'],
    ['{"v":2,"request":"reload"}', 'version'],
    ['{"v":1,"request":"stop"}', 'none that is known'],
    ['{"v":1,"request":["reload"]}', 'none that is known'],
    ['{"v":1,"request":"reload","path":"/x"}', 'not known'],
    ['{"v":1,"request":"reload","__proto__":1}', 'not known'],
  ])('is refused: %s', (line, why) => {
    const parsed = parseRequest(line);
    expect(parsed.ok ? '' : parsed.error).toContain(why);
  });

  it('is never more than one of two words, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        const parsed = parseRequest(line);
        expect(parsed.ok ? ['reload', 'status'].includes(parsed.value) : parsed.error.length > 0).toBe(true);
      }),
    );
  });
});

describe('the control socket', () => {
  let scratch: Scratch;
  let directory: string;
  let socket: ControlSocket | null;
  let reloads = 0;
  let outcome: () => Promise<ReloadOutcome>;

  beforeEach(() => {
    scratch = new Scratch('control');
    // Longer than the path of a Unix socket may be.
    directory = join(scratch.path, 'd'.repeat(120));
    mkdirSync(directory, { mode: 0o700 });
    reloads = 0;
    outcome = async () => APPLIED;
    socket = open();
  });
  afterEach(() => {
    socket?.close();
    scratch.remove();
  });

  const open = (): ControlSocket | null =>
    openControlSocket(directory, RUN, (client) =>
      serveClient(client, {
        run: RUN,
        policy: 'p.yaml',
        reloader: {
          state: { generation: 1, quarantined: false },
          reload: () => {
            reloads += 1;
            return outcome();
          },
        },
      }),
    );
  const there = () => expect.poll(() => existsSync(join(directory, `${RUN}.sock`))).toBe(true);

  /** What the run says to these bytes; `end`: nothing follows them. */
  async function said(bytes: string | Buffer, end = true): Promise<string> {
    await there();
    const client = await connected();
    let answer = '';
    client.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    if (end) client.end(bytes);
    else client.write(bytes);
    await closed(client);
    return answer;
  }

  async function connected(): Promise<Socket> {
    const short = join(scratch.path, 's');
    if (!existsSync(short)) symlinkSync(join(directory, `${RUN}.sock`), short);
    const client = connect(short);
    client.on('error', () => {});
    await once(client, 'connect');
    return client;
  }

  it('answers its owner', async () => {
    await there();
    const client = new ControlClient(directory);
    const [run] = client.runs();
    expect(run).toEqual({ run: RUN, pid: process.pid });
    expect(await client.ask(run!, 'status')).toMatchObject({
      ok: true,
      value: { answer: 'status', run: RUN, policy: 'p.yaml', generation: 1, quarantined: false },
    });
    expect(await client.ask(run!, 'reload')).toMatchObject({ ok: true, value: { result: 'applied' } });
    expect(reloads).toBe(1);
    client.close();
  });

  it.each([
    ['nothing', ''],
    ['a line without its end', '{"v":1,"request":"reload"}'],
    ['two requests', '{"v":1,"request":"reload"}\n{"v":1,"request":"reload"}\n'],
    ['a long line', `{"v":1,"request":"reload","x":"${'y'.repeat(2000)}"}\n`],
    ['bytes without end', Buffer.alloc(1 << 20, 0x61)],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x0a])],
  ])('does nothing for %s', async (_what, bytes) => {
    const answer = await said(bytes);
    if (answer !== '') expect(JSON.parse(answer)).toMatchObject({ v: 1, answer: 'error' });
    expect(reloads).toBe(0);
  });

  it('takes whatever a hostile client sends, and answers the next one', async () => {
    await there();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3 * CONTROL_LIMITS.requestBytes }), async (bytes) => {
        const client = await connected();
        client.resume();
        client.end(bytes);
        await closed(client);
      }),
      { numRuns: 50 },
    );
    expect(await said('{"v":1,"request":"status"}\n')).toContain('"answer":"status"');
  });

  it('answers others while clients hold on, up to a number', async () => {
    await there();
    const silent = await Promise.all(Array.from({ length: 7 }, connected));
    expect(await said('{"v":1,"request":"status"}\n', false)).toContain('"answer":"status"');
    for (const client of silent) client.destroy();
  });

  it('says a bounded part of what is wrong with a policy', async () => {
    outcome = async () => ({ ...APPLIED, result: 'kept', messages: Array(500).fill('x'.repeat(5000)) });
    const answer = await said('{"v":1,"request":"reload"}\n');
    expect(answer.length).toBeLessThan(CONTROL_LIMITS.answerBytes);
  });

  it('goes with the run', async () => {
    await there();
    socket!.close();
    socket = null;
    await expect.poll(() => readdirSync(directory)).toEqual([]);
  });

  it('is not opened where others may come in', () => {
    const other = join(scratch.path, 'other');
    mkdirSync(other);
    chmodSync(other, 0o755);
    expect(openControlSocket(other, RUN, () => {})).toBeNull();
    const link = join(scratch.path, 'link');
    symlinkSync(directory, link);
    expect(openControlSocket(link, RUN, () => {})).toBeNull();
    expect(openControlSocket(join(scratch.path, 'none'), RUN, () => {})).toBeNull();
  });

  it('of a run that was killed is removed by who finds it', async () => {
    const client = new ControlClient(directory);
    const dead = 'mabc124-zzz';
    writeFileSync(join(directory, 'no-run'), '');
    const server = createServer().listen(join(scratch.path, 'dead'));
    await once(server, 'listening');
    // A socket that nobody listens on any more.
    renameSync(join(scratch.path, 'dead'), join(directory, `${dead}.sock`));
    server.close();
    await once(server, 'close');
    expect(client.runs().map(({ run }) => run)).toContain(dead);
    expect(await client.ask({ run: dead, pid: 1 }, 'status')).toBeNull();
    expect(client.runs().map(({ run }) => run)).not.toContain(dead);
    client.close();
  });
});
