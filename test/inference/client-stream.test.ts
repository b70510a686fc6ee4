import { Agent, createServer, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Http1Exchange } from '../../src/http/inspected/http1-exchange.ts';
import { ClientStream } from '../../src/inference/client-stream.ts';
import { listen, onCleanup } from './provider.ts';

/** A client that has asked, the stream to it, and the answer as far as it came. */
async function pair(read = true) {
  let taken: (stream: ClientStream) => void;
  const stream = new Promise<ClientStream>((resolve) => {
    taken = resolve;
  });
  const port = await listen(
    createServer((incoming, response) => taken(new ClientStream(new Http1Exchange(incoming, response, 100)))),
  );
  const agent = new Agent({ keepAlive: true });
  onCleanup(() => agent.destroy());
  const client = request({ port, host: '127.0.0.1', agent }).end();
  client.on('error', () => {});
  const got = { status: 0, text: '', connection: '', done: false };
  client.on('response', (answer) => {
    got.status = answer.statusCode!;
    got.connection = answer.headers.connection ?? '';
    answer.on('error', () => {});
    if (!read) return;
    answer.setEncoding('utf8').on('data', (part: string) => {
      got.text += part;
    });
    answer.on('end', () => {
      got.done = true;
    });
  });
  return { client, stream: await stream, got };
}

const TEXT = new Map([['content-type', 'text/plain']]);
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('ClientStream', () => {
  it('sends an answer in pieces, and has not left when it has ended', async () => {
    const { stream, got } = await pair();
    stream.begin(200, TEXT);
    expect(await stream.write(Buffer.from('a'), 1000)).toBe(true);
    stream.end('b');
    await until(() => got.done);
    expect(got).toMatchObject({ status: 200, text: 'ab', connection: 'keep-alive' });
    expect(stream.gone).toBe(false);
  });

  it('sends a whole answer, the last of its connection or not', async () => {
    for (const last of [true, false]) {
      const { stream, got } = await pair();
      stream.answer(429, TEXT, Buffer.from('no'), last);
      await until(() => got.done);
      expect(got).toMatchObject({ status: 429, text: 'no', connection: last ? 'close' : 'keep-alive' });
    }
  });

  it('tells when the client leaves', async () => {
    const { client, stream } = await pair();
    const left = new Promise((resolve) => stream.left.addEventListener('abort', resolve));
    client.destroy();
    await left;
    expect(await stream.write(Buffer.from('a'), 1000)).toBe(false);
    stream.begin(200, TEXT);
    expect(stream.begun).toBe(false);
  });

  it('waits for a client that is slow, and gives up one that takes nothing', async () => {
    const { stream } = await pair(false);
    stream.begin(200, TEXT);
    let open = true;
    for (let i = 0; i < 1000 && open; i += 1) open = await stream.write(Buffer.alloc(100_000), 50);
    expect(open).toBe(false);
    expect(stream.gone).toBe(true);
  });
});
