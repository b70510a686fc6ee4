import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageFacts, messageReader } from '../../src/inspect/asked.ts';
import { request } from '../match/requests.ts';
import { GRAPHQL, short } from './bodies.ts';

const UPGRADE = messageFacts(request('GET /graphql?token=x'));

async function say(message: unknown) {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const facts = (await messageReader(GRAPHQL))(UPGRADE, text);
  return facts.ok ? short(facts.value.asked!) : `! ${facts.error.detail}`;
}

describe('a text message', () => {
  const payload = { query: 'subscription { added }' };
  it.each([
    [{ type: 'subscribe', id: '1', payload }, ['subscription added']],
    [{ type: 'start', id: '1', payload: { query: 'mutation M { drop }' } }, ['mutation drop M']],
    [{ type: 'connection_init', payload: { authorization: 'x' } }, 'control'],
    [{ type: 'ping' }, 'control'],
    [{ type: 'pong' }, 'control'],
    [{ type: 'complete', id: '1' }, 'control'],
    [{ type: 'stop', id: '1' }, 'control'],
    [{ type: 'connection_terminate' }, 'control'],
    [{ type: 'Subscribe', id: '1', payload }, '! the `type` of the message is not known'],
    [{ type: 'next', id: '1', payload }, '! the `type` of the message is not known'],
    [{ type: 1 }, '! the message has no `type`'],
    [
      { type: 'ping', Type: 'subscribe', id: '1', payload },
      '! a member of the message is named almost like one of the protocol',
    ],
    [{ type: 'subscribe', payload }, '! the `id` of the message is no text'],
    [{ type: 'subscribe', id: '', payload }, '! the `id` of the message is no text'],
    [{ type: 'subscribe', id: '1' }, '! the `payload` of the message is no object'],
    [{ type: 'subscribe', id: '1', payload: '{}' }, '! the `payload` of the message is no object'],
    [{ type: 'subscribe', id: '1', payload: { query: '{' } }, '! the document is malformed'],
    [[{ type: 'ping' }], '! the message is no object'],
    ['{"type":"ping","type":"subscribe"}', '! the JSON of the message names a member twice in one object'],
    ['', '! the JSON of the message is malformed'],
  ])('%j', async (message, expected) => {
    expect(await say(message)).toEqual(expected);
  });

  it('is judged with the path and the parameters of the upgrade', () => {
    expect(UPGRADE).toMatchObject({ method: 'WEBSOCKET_TEXT', path: '/graphql', target: '/graphql?token=x' });
  });

  it('never throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        await say(text);
      }),
    );
  });
});
