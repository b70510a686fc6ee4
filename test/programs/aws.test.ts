/** The AWS SDK in a sandbox, with placeholders for keys, against a server that verifies signatures. */
import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsKeys, expectedAuthorization } from '../support/aws-signature.ts';
import { type Certificate, makeCertificate } from './support/certificate.ts';
import { because, missing, node, nodeOptions } from './support/host.ts';
import { type Finished, openshell, PACKAGE } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const HOST = 'bucket.s3.us-east-2.amazonaws.com';
const KEYS: AwsKeys = {
  accessKeyId: 'AKIAREALKEYIDENTIFIER',
  secretAccessKey: 'real+secret/key+of+forty+characters++++x',
  sessionToken: 'real-session-token',
};
const lacking = missing('openssl');
const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
let server: WebServer;
let certificate: Certificate;
const objects = new Map<string, Buffer>();
const hashes: string[] = [];

/** Enough of S3: objects are put, got and listed by whoever signs well. */
const answer: RequestListener = (request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    const headers = request.headers as Record<string, string>;
    const facts = {
      method: request.method!,
      path: request.url!,
      host: HOST,
      service: 's3',
      region: 'us-east-2',
    };
    const body = Buffer.concat(pieces);
    const hash = headers['x-amz-content-sha256'] ?? '';
    hashes.push(hash);
    const whole = !/^[0-9a-f]{64}$/.test(hash) || createHash('sha256').update(body).digest('hex') === hash;
    if (headers['authorization'] !== expectedAuthorization(headers, facts, KEYS) || !whole) {
      response.writeHead(403, { 'content-type': 'application/xml' });
      response.end('<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>');
      return;
    }
    const [path = '', query = ''] = request.url!.split('?');
    if (request.method === 'PUT') {
      const chunked = hash.startsWith('STREAMING-');
      objects.set(path, chunked ? unchunked(body) : body);
      response.writeHead(200, { etag: '"1"' }).end();
    } else if (query.includes('list-type=2')) {
      const keys = [...objects.keys()].map(
        (key) => `<Contents><Key>${decodeURIComponent(key.slice(1))}</Key></Contents>`,
      );
      response.end(`<?xml version="1.0"?><ListBucketResult>${keys.join('')}</ListBucketResult>`);
    } else {
      response.end(objects.get(path));
    }
  });
};

/** Without the framing of `aws-chunked`. */
function unchunked(body: Buffer): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, end), 16);
    if (size === 0) return Buffer.concat(out);
    out.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

beforeAll(async () => {
  if (lacking.length > 0) return;
  certificate = makeCertificate(scratch, [HOST]);
  server = await serve(answer, certificate);
});
afterAll(() => server?.close());

function inside(script: string, signing = 'sigv4'): Promise<Finished> {
  const policy = [
    'version: 1',
    'network_policies:',
    '  s3:',
    '    endpoints:',
    `      - {host: ${HOST}, port: 443, protocol: rest, access: full, credential_signing: "${signing}",`,
    '         signing_service: s3, credential_binding: {provider: aws}}',
    '    binaries: [{path: /**}]',
    '',
  ].join('\n');
  const credentials = {
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_SESSION_TOKEN: KEYS.sessionToken,
  };
  const file = scratch.write('aws.json', JSON.stringify({ credentials }), 0o600);
  const sdk = [
    `const { S3Client, PutObjectCommand, GetObjectCommand, ListObjectsV2Command } =`,
    `  require('node:module').createRequire('${PACKAGE}/package.json')('@aws-sdk/client-s3');`,
    `const { Readable } = require('node:stream');`,
    `const s3 = new S3Client({ region: 'us-east-2', maxAttempts: 1 });`,
    `const Bucket = 'bucket';`,
    `(async () => { ${script} })().catch((error) => { console.error(String(error)); process.exit(1); });`,
  ];
  scratch.write('home/project/script.cjs', sdk.join('\n'));
  return openshell(
    [
      'run',
      ...['--policy', scratch.policy(policy), '--upstream-ca', certificate.authority],
      ...['--credential', `aws=file:${file}`, '--connect-to', `${HOST}:443:127.0.0.1:${server.port}`],
      ...['--read', `${PACKAGE}/node_modules`, '--read', `${PACKAGE}/package.json`, ...nodeOptions],
      ...['--env', 'NODE_NO_WARNINGS=1', '--write', scratch.project, '--', node, 'script.cjs'],
    ],
    here,
  );
}

describe.skipIf(lacking.length > 0)(`the AWS SDK${because(lacking)}`, () => {
  it('puts, lists and gets objects with placeholders for its keys', async () => {
    const done = await inside(
      [
        `await s3.send(new PutObjectCommand({ Bucket, Key: 'a b/ä+1', Body: 'hello' }));`,
        `const Body = Readable.from([Buffer.alloc(100000, 'x')]);`,
        `await s3.send(new PutObjectCommand({ Bucket, Key: 'stream', Body, ContentLength: 100000 }));`,
        `const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'a b' }));`,
        `console.log(listed.Contents.map(({ Key }) => Key).join('|'));`,
        `const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a b/ä+1' }));`,
        `console.log(await got.Body.transformToString());`,
        `console.log(process.env.AWS_SECRET_ACCESS_KEY.slice(0, 23));`,
      ].join('\n'),
    );
    expect(done.stderr).toBe('');
    expect(done.stdout).toBe('a b/ä+1|stream\nhello\nopenshell:resolve:env:s\n');
    expect(objects.get('/stream')).toHaveLength(100_000);
    expect(hashes).toContain('STREAMING-UNSIGNED-PAYLOAD-TRAILER');
  });

  it.each([
    ['sigv4:body', /^[0-9a-f]{64}$/],
    ['sigv4:no_body', /^UNSIGNED-PAYLOAD$/],
  ])('is signed for as %s', async (signing, hash) => {
    const done = await inside(
      `await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'text' }));`,
      signing,
    );
    expect(done.stderr).toBe('');
    expect(hashes.at(-1)).toMatch(hash);
    expect(objects.get('/k')?.toString()).toBe('text');
  });
});
