/** A compiled guardrail: `policy.wasm` itself, or a bundle of `opa build -t wasm`, which is a tar archive, gzipped. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { err, ok, type Result } from '../base/result.ts';
import { GUARD_LIMITS, type GuardLimits } from './limits.ts';

export interface CompiledGuardrail {
  readonly wasm: Uint8Array;
  /** JSON. */
  readonly data: string;
}

const WASM = Buffer.from([0, 0x61, 0x73, 0x6d]);
const GZIP = Buffer.from([0x1f, 0x8b]);

/** Errors are clauses that follow the name of the file. */
export function readBundle(
  path: string,
  limits: GuardLimits = GUARD_LIMITS,
): Result<CompiledGuardrail, string> {
  const bytes = readBounded(path, limits.bundleBytes);
  if (!bytes.ok) return bytes;
  const file = bytes.value;
  if (file.subarray(0, 4).equals(WASM)) return ok({ wasm: file, data: '{}' });
  if (!file.subarray(0, 2).equals(GZIP))
    return err('is neither WebAssembly nor a bundle; make one with `opa build -t wasm -e RULE`');
  let archive: Buffer;
  try {
    archive = gunzipSync(file, { maxOutputLength: limits.unpackedBytes });
  } catch (error) {
    return err(
      (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
        ? `unpacks to more than ${limits.unpackedBytes} bytes`
        : 'is damaged: it cannot be unpacked',
    );
  }
  return fromArchive(archive);
}

function fromArchive(archive: Buffer): Result<CompiledGuardrail, string> {
  const files = readTar(archive);
  if (files === null) return err('is damaged: it is no tar archive');
  const wasm = files.get('policy.wasm');
  if (wasm === undefined || !wasm.subarray(0, 4).equals(WASM))
    return err('has no policy.wasm; make it with `opa build -t wasm -e RULE`');
  const other = [...files.keys()].find((name) => /\/(data\.json|data\.yaml|policy\.wasm)$/.test(name));
  if (other !== undefined) return err(`has ${other}, which \`opa build\` would have joined with the others`);
  const data = files.get('data.json');
  if (data === undefined) return ok({ wasm, data: '{}' });
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data);
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return ok({ wasm, data: text });
  } catch {}
  return err('has a data.json that is no JSON object');
}

const BLOCK = 512;
const FILE_TYPES = ['0', '\0'];

/** Regular files of a POSIX archive by their names, without a leading `/` or `./`; null: it is none. */
export function readTar(archive: Buffer): Map<string, Buffer> | null {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return files;
    const size = octal(header, 124, 12);
    if (size === null || octal(header, 148, 8) !== checksumOf(header)) return null;
    const start = at + BLOCK;
    if (start + size > archive.length) return null;
    const prefix = header.toString('latin1', 257, 262) === 'ustar' ? text(header, 345, 155) : '';
    const name = `${prefix === '' ? '' : `${prefix}/`}${text(header, 0, 100)}`.replace(/^\.?\/+/, '');
    if (FILE_TYPES.includes(String.fromCharCode(header[156]!))) {
      if (files.has(name)) return null; // one of them would be looked at, and the other meant
      files.set(name, archive.subarray(start, start + size));
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files.size > 0 ? files : null;
}

function text(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

function octal(header: Buffer, start: number, length: number): number | null {
  const digits = header
    .toString('latin1', start, start + length)
    .replace(/[\0 ]+$/, '')
    .trimStart();
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : null;
}

/** The sum of all bytes, with blanks for the sum itself. */
function checksumOf(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i += 1) sum += i >= 148 && i < 156 ? 0x20 : header[i]!;
  return sum;
}

function readBounded(path: string, limit: number): Result<Buffer, string> {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    return err(`cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  try {
    const { size } = fstatSync(fd);
    if (!fstatSync(fd).isFile()) return err('is no regular file');
    if (size > limit) return err(`is larger than ${limit} bytes`);
    const bytes = Buffer.alloc(size);
    for (let got = 0; got < size; ) {
      const part = readSync(fd, bytes, got, size - got, got);
      if (part === 0) return err('became shorter while it was read');
      got += part;
    }
    return ok(bytes);
  } catch (error) {
    return err(`cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  } finally {
    closeSync(fd);
  }
}
