/** Hellos: recorded on a local socket, and made to order. */

interface Recorded {
  readonly bytes: Buffer;
  readonly sni: string | null;
  readonly alpn: readonly string[];
}

const recorded = (base64: string, sni: string | null, alpn: readonly string[]): Recorded => ({
  bytes: Buffer.from(base64, 'base64'),
  sni,
  alpn,
});

const NAME = 'api.example.test';

/** By client: openssl 3.0 s_client, curl 7.88, Node 20, Python 3.11. */
export const RECORDED: Readonly<Record<string, Recorded>> = {
  openssl: recorded(
    'FgMBAU8BAAFLAwNk7V1JHV5WBJ3Vd/t6TlGwbVU8pWm/JFRi9qH/Og1qTSBiboMvWdsuHRD2oD/DcHfUw88DZ17XwWmLyGOP/lmk' +
      'agA+EwITAxMBwCzAMACfzKnMqMyqwCvALwCewCTAKABrwCPAJwBnwArAFAA5wAnAEwAzAJ0AnAA9ADwANQAvAP8BAADEAAAAFQAT' +
      'AAAQYXBpLmV4YW1wbGUudGVzdAALAAQDAAECAAoAFgAUAB0AFwAeABkAGAEAAQEBAgEDAQQAIwAAABAADgAMAmgyCGh0dHAvMS4x' +
      'ABYAAAAXAAAADQAqACgEAwUDBgMIBwgICAkICggLCAQIBQgGBAEFAQYBAwMDAQMCBAIFAgYCACsACQgDBAMDAwIDAQAtAAIBAQAz' +
      'ACYAJAAdACCHy6rJeBVabHIODqpGY1HQ/UZLrqx/oR2cHJUmXBDZKg==',
    NAME,
    ['h2', 'http/1.1'],
  ),
  'openssl, TLS 1.2, no name': recorded(
    'FgMBALcBAACzAwMhiW+3JMEQ4hjna83c8x/RKhlDBOGBSlGfiEVbYPriQAAAOMAswDAAn8ypzKjMqsArwC8AnsAkwCgAa8AjwCcA' +
      'Z8AKwBQAOcAJwBMAMwCdAJwAPQA8ADUALwD/AQAAUgALAAQDAAECAAoADAAKAB0AFwAeABkAGAAjAAAAFgAAABcAAAANACoAKAQD' +
      'BQMGAwgHCAgICQgKCAsIBAgFCAYEAQUBBgEDAwMBAwIEAgUCBgI=',
    null,
    [],
  ),
  curl: recorded(
    'FgMBAgABAAH8AwOmaNkHUCTm6n209MpNcj9y+vboW0JIWOThSMiCqnJVnSDC5LMTkCZ8gSaF5v9DAA4xdBOMqzMbmp2YwrL8iSSB' +
      'RAA+EwITAxMBwCzAMACfzKnMqMyqwCvALwCewCTAKABrwCPAJwBnwArAFAA5wAnAEwAzAJ0AnAA9ADwANQAvAP8BAAF1AAAAFQAT' +
      'AAAQYXBpLmV4YW1wbGUudGVzdAALAAQDAAECAAoAFgAUAB0AFwAeABkAGAEAAQEBAgEDAQQAEAAOAAwCaDIIaHR0cC8xLjEAFgAA' +
      'ABcAAAAxAAAADQAqACgEAwUDBgMIBwgICAkICggLCAQIBQgGBAEFAQYBAwMDAQMCBAIFAgYCACsACQgDBAMDAwIDAQAtAAIBAQAz' +
      'ACYAJAAdACAzJ0Nn4NX52/rMNKPQV5f9ViblifxK88MYuOaZLxS2VAAVAK0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==',
    NAME,
    ['h2', 'http/1.1'],
  ),
  node: recorded(
    'FgMBAYABAAF8AwM4F/2rVd6U1ipBaJSb5bcjbL9ssVn0mBjUdeamcnDjXiAo4cESiJkhyzQfpIur/xTu5bwAq0rIReAPP9j98OBn' +
      'hAB2EwITAxMBwC/AK8AwwCwAnsAnAGfAKABrAKMAn8ypzKjMqsCvwK3Ao8CfwF3AYcBXwFMAosCuwKzAosCewFzAYMBWwFLAJABq' +
      'wCMAQMAKwBQAOQA4wAnAEwAzADIAncChwJ3AUQCcwKDAnMBQAD0APAA1AC8A/wEAAL0AAAAVABMAABBhcGkuZXhhbXBsZS50ZXN0' +
      'AAsABAMAAQIACgAWABQAHQAXAB4AGQAYAQABAQECAQMBBAAjAAAAEAALAAkIaHR0cC8xLjEAFgAAABcAAAANACoAKAQDBQMGAwgH' +
      'CAgICQgKCAsIBAgFCAYEAQUBBgEDAwMBAwIEAgUCBgIAKwAFBAMEAwMALQACAQEAMwAmACQAHQAgkpdqLKDWTHvx/3rO9k9biBlW' +
      'FokfCYw8TRJCQSvQpC0=',
    NAME,
    ['http/1.1'],
  ),
  python: recorded(
    'FgMBAgABAAH8AwOCFfy7Lrs0WC08TZ0e72nDDak//FfP3Go4jiz+I7XvlCDTu8JqUR9y3Dyn1OZ1iuSWS4BKCNCE9sd0frURPbVf' +
      'nQAkEwITAxMBwCzAMMArwC/MqcyowCTAKMAjwCcAnwCeAGsAZwD/AQABjwAAABUAEwAAEGFwaS5leGFtcGxlLnRlc3QACwAEAwAB' +
      'AgAKABYAFAAdABcAHgAZABgBAAEBAQIBAwEEACMAAAAWAAAAFwAAAA0AKgAoBAMFAwYDCAcICAgJCAoICwgECAUIBgQBBQEGAQMD' +
      'AwEDAgQCBQIGAgArAAUEAwQDAwAtAAIBAQAzACYAJAAdACDUqKfLlIa6uTgnsPjJlrnHcYq7JnFvEgOvTeVEszA/GwAVAN0AAAAA' +
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==',
    NAME,
    [],
  ),
};

const prefixed = (width: 1 | 2 | 3, body: Uint8Array): Buffer => {
  const length = Buffer.alloc(width);
  length.writeUIntBE(body.length, 0, width);
  return Buffer.concat([length, body]);
};

export const extension = (type: number, body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([type >> 8, type & 255]), prefixed(2, body)]);

export const serverName = (...names: string[]): Buffer => {
  const list = names.map((name) => Buffer.concat([Buffer.from([0]), prefixed(2, Buffer.from(name))]));
  return extension(0, prefixed(2, Buffer.concat(list)));
};

interface Parts {
  readonly session?: Buffer;
  readonly suites?: Buffer;
  readonly compression?: Buffer;
  readonly tail?: Buffer;
}

/** A message; null: without the part for extensions. */
export function hello(extensions: readonly Buffer[] | null, parts: Parts = {}): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    prefixed(1, parts.session ?? Buffer.alloc(0)),
    prefixed(2, parts.suites ?? Buffer.from([0x13, 1])),
    prefixed(1, parts.compression ?? Buffer.from([0])),
    ...(extensions === null ? [] : [prefixed(2, Buffer.concat(extensions))]),
    parts.tail ?? Buffer.alloc(0),
  ]);
  return Buffer.concat([Buffer.from([1]), prefixed(3, body)]);
}

/** A message in records of `size` bytes. */
export function records(message: Uint8Array, size = 16384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size)
    parts.push(Buffer.from([0x16, 3, 1]), prefixed(2, message.subarray(at, at + size)));
  return Buffer.concat(parts);
}
