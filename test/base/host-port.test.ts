import { expect, it } from 'vitest';
import { hostPort } from '../../src/base/host-port.ts';

it.each([
  ['api.example.com', 'api.example.com:443'],
  ['203.0.113.9', '203.0.113.9:443'],
  ['2001:db8::1', '[2001:db8::1]:443'],
])('%s is written %s', (host, text) => {
  expect(hostPort(host, 443)).toBe(text);
});
