import { expect, it } from 'vitest';
import { Injector } from '../../src/inject/injector.ts';
import { issuePlaceholders } from '../../src/inject/placeholder.ts';
import { CREDENTIAL, fixed, injector, ph, request, SECRET, TOKEN } from './pretended.ts';

const fills = { ...CREDENTIAL, websocket: true };

async function message(
  text: string,
  credential: typeof CREDENTIAL | null = fills,
  tls = true,
): Promise<string> {
  const sent = await injector.message(text, credential, tls);
  return sent.ok ? sent.value : sent.error.kind;
}

it('fills messages, as JSON where they are', async () => {
  expect(JSON.parse(await message(JSON.stringify({ t: ph('SECRET') })))).toEqual({ t: SECRET });
  expect(await message(`AUTH ${ph('TOKEN')}`)).toBe(`AUTH ${TOKEN}`);
  expect(await message('hello')).toBe('hello');
});

it('refuses placeholders in others', async () => {
  expect(await message(ph('OTHER'))).toBe('credential_endpoint_mismatch');
  expect(await message(ph('TOKEN'), null)).toBe('credential_endpoint_mismatch');
  expect(await message('openshell:resolve:env:X', null)).toBe('credential_unavailable');
  expect(await message(ph('TOKEN'), CREDENTIAL)).toBe('credential_not_placeable');
  expect(await message(ph('TOKEN'), fills, false)).toBe('credential_cleartext');
  expect(await message(ph('TOKEN'), { ...CREDENTIAL, uninspected: true })).toBe(ph('TOKEN'));
});

it('bounds what comes of a message and of a head', async () => {
  const many = ph('TOKEN').concat(' ').repeat(200);
  expect(await message(many)).toBe(`${TOKEN} `.repeat(200));
  const long = issue('long-value-'.repeat(1000));
  const big = await long.injector.message(`${long.text} `.repeat(1000), { ...fills, provider: 'long' }, true);
  expect(big.ok ? '' : big.error.kind).toBe('credential_not_placeable');
  const head = await long.injector.prepare(
    request({
      credential: { ...fills, provider: 'long' },
      headers: ['Authorization', `${long.text} `.repeat(10)],
    }),
  );
  expect(head.ok ? '' : head.error.kind).toBe('credential_not_placeable');
});

function issue(value: string): { injector: Injector; text: string } {
  const providers = [fixed('long', { LONG: value })];
  const placeholders = issuePlaceholders(providers, () => 'c'.repeat(64));
  const own = new Injector(providers, placeholders, () => Promise.reject(new Error('not here')));
  return { injector: own, text: [...placeholders.keys()][0]! };
}
