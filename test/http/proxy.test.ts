import { describe, expect, it } from 'vitest';
import { bench, eventually, origin, talk } from './harness.ts';

const get = (path: string, more = '', host = 'a.test') =>
  `GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const close = 'Connection: close\r\n';

describe('a defect of ours', () => {
  it('closes the connection, is reported, and leaves the others alone', async () => {
    const server = await origin();
    const defects: unknown[] = [];
    let broken = true;
    const { port } = await bench({
      to: { 'a.test:80': server.port },
      onDefect: (error) => defects.push(error),
      emit: () => {
        if (broken) throw new Error('the sink is broken');
      },
    });
    expect(await talk(port, get('/'))).toBe('');
    expect(await talk(port, 'CONNECT a.test:80 HTTP/1.1\r\n\r\n')).toBe('');
    expect(await talk(port, 'rubbish\r\n\r\n')).toBe('');
    expect(defects).toHaveLength(3);
    await eventually(() => server.open.size === 0);
    broken = false;
    expect(await talk(port, get('/', close))).toMatch(/hello$/);
  });
});
