import { describe, expect, it } from 'vitest';
import { bodyType } from '../../src/inspect/body-type.ts';
import { headers } from './bodies.ts';

describe('bodyType', () => {
  it.each([
    [{ 'content-type': 'application/json' }, 'application/json'],
    [{ 'content-type': 'Application/JSON; charset=UTF-8' }, 'application/json'],
    [{ 'content-type': 'application/json;charset="utf-8";' }, 'application/json'],
    [{ 'content-type': 'application/json', 'content-encoding': 'identity' }, 'application/json'],
    [{}, '! there is no single Content-Type'],
    [{ 'content-type': ['application/json', 'text/plain'] }, '! there is no single Content-Type'],
    [{ 'content-type': 'application/json, text/plain' }, '! the Content-Type is malformed'],
    [{ 'content-type': 'json' }, '! the Content-Type is malformed'],
    [
      { 'content-type': 'application/json; charset=utf-16' },
      '! the Content-Type has parameters other than `charset=utf-8`',
    ],
    [
      { 'content-type': 'application/json; charset=utf-8; charset=utf-16' },
      '! the Content-Type has parameters other than `charset=utf-8`',
    ],
    [
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      '! the body has a Content-Encoding, so it cannot be read',
    ],
    [
      { 'content-type': 'application/json', 'content-encoding': ['identity', 'br'] },
      '! the body has a Content-Encoding, so it cannot be read',
    ],
  ])('%j is %s', (given, expected) => {
    const read = bodyType(headers(given));
    expect(read.ok ? read.value : `! ${read.error}`).toBe(expected);
  });
});
