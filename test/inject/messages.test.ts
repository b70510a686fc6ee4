import { expect, it } from 'vitest';
import { CREDENTIAL, injector, ph, SECRET, TOKEN } from './pretended.ts';

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
