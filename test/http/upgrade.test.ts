import { describe, expect, it } from 'vitest';
import { answerOnce, bench, Client, eventually, origin, refusalIn, talk } from './harness.ts';

const get = (path: string, more = '', host = 'a.test') =>
  `GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
/** The header lines of the first message in a text, in lower case. */
const lines = (text: string) =>
  text.slice(0, text.indexOf('\r\n\r\n')).toLowerCase().split('\r\n').slice(1).sort();

describe('an upgrade', () => {
  const ask = (more = '') =>
    get('/ws', `Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n${more}`);

  it('becomes a tunnel when the server agrees', async () => {
    const server = await origin((socket, soFar) => {
      if (soFar.endsWith('\r\n\r\n'))
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\nfirst',
        );
      else socket.write('<frame>');
    });
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(ask());
    expect(await client.until('first')).toMatch(
      /^HTTP\/1\.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\nVia: [^\r]*\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst$/,
    );
    expect(await client.send('frame').until('<frame>')).toContain('<frame>');
    expect(lines(server.log[0]!)).toEqual([
      'connection: upgrade',
      'host: a.test',
      'sec-websocket-key: k',
      'upgrade: websocket',
      'via: 1.1 openshell-sandbox',
    ]);
    expect(events).toHaveLength(1);
    client.socket.destroy();
    await eventually(() => server.open.size === 0);
  });

  it('is an ordinary answer when the server declines, and nothing more is read as a request', async () => {
    const server = await origin(answerOnce('plain'));
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const answer = await talk(port, ask() + get('/smuggled', '', 'denied.test'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n\r\nplain$/);
    expect(server.log).toHaveLength(1);
    expect(server.log[0]).not.toContain('smuggled');
    expect(events).toHaveLength(1);
  });

  it('is judged like any request', async () => {
    const { port, dials } = await bench();
    expect(refusalIn(await talk(port, ask().replaceAll('a.test', 'b.test')))).toMatchObject({ status: 403 });
    expect(dials).toEqual([]);
  });

  it('cannot have a body', async () => {
    const { port, dials, events } = await bench();
    const answer = await talk(port, `${ask('Content-Length: 3\r\n')}abc`);
    expect(refusalIn(answer)).toMatchObject({ status: 400, code: 'OSH-EGR-014', host: 'a.test' });
    expect(events).toHaveLength(1);
    expect(dials).toEqual([]);
  });

  it('answers 502 when the server hangs up', async () => {
    const server = await origin((socket) => socket.destroy());
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    expect(refusalIn(await talk(port, ask()))).toMatchObject({ status: 502, code: 'OSH-EGR-021' });
  });
});
