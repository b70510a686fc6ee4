import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { Inlet, type Reader } from '../../../src/http/websocket/inlet.ts';

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes a byte at a step, and waits at each `w` until it is let go. */
function reading(head = '') {
  const source = new PassThrough();
  const log: string[] = [];
  let chunk = '';
  let go: (() => void) | null = null;
  let corked = 0;
  const reader: Reader = {
    push: (bytes) => {
      expect(chunk).toBe('');
      chunk = bytes.toString();
    },
    step: () => {
      expect(corked).toBe(1);
      const [byte] = chunk;
      if (byte === undefined) return false;
      chunk = chunk.slice(1);
      log.push(byte);
      if (byte === 't') throw new Error('thrown');
      if (byte === 'r') return Promise.reject(new Error('rejected'));
      return byte === 'w' ? new Promise((resolve) => (go = resolve)) : true;
    },
    cork: () => {
      corked += 1;
    },
    uncork: () => {
      corked -= 1;
    },
    ended: () => log.push('end'),
    failed: (error) => log.push((error as Error).message),
  };
  new Inlet(source, Buffer.from(head), reader).start();
  return { source, log: () => log.join(' '), go: () => go!(), corked: () => corked };
}

it('begins with what was read before', async () => {
  const { source, log } = reading('ab');
  source.write('c');
  await soon();
  expect(log()).toBe('a b c');
});

it('waits where it is told to, the end included, and lets what was written go meanwhile', async () => {
  const { source, log, go, corked } = reading();
  source.write('awb');
  await soon();
  source.write('c');
  source.end('wd');
  await soon();
  expect([log(), corked(), source.isPaused()]).toEqual(['a w', 0, true]);
  go();
  await soon();
  await soon();
  expect(log()).toBe('a w b c w');
  go();
  await soon();
  await soon();
  expect(log()).toBe('a w b c w d end');
});

it('tells of an end at once when it is not waiting', async () => {
  const { source, log } = reading();
  source.end('a');
  await soon();
  await soon();
  expect(log()).toBe('a end');
});

it.each([
  ['t', 'thrown'],
  ['r', 'rejected'],
])('tells of a step that fails (%s)', async (byte, message) => {
  const { source, log, corked } = reading();
  source.write(`a${byte}`);
  await soon();
  await soon();
  expect([log(), corked()]).toEqual([`a ${byte} ${message}`, 0]);
});
