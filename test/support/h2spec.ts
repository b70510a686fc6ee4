/** h2spec, built once for a machine: https://github.com/summerwind/h2spec. Without Go or its proxy there is none. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GO } from './go.ts';

const VERSION = 'v2.6.0+incompatible';
const MODULE = 'github.com/summerwind/h2spec/cmd/h2spec@latest';
const BUILD_MS = 300_000;
const RUN_MS = 300_000;
const run = promisify(execFile);

export type H2spec = { readonly program: string } | { readonly missing: string };

/** Built beside its place and renamed, so that one that is there is whole. */
export async function h2spec(): Promise<H2spec> {
  const program = join(tmpdir(), `openshell-h2spec-${VERSION}-${process.getuid!()}`);
  if (existsSync(program)) return { program };
  if (GO === undefined) return { missing: 'Go is not installed' };
  const place = mkdtempSync(join(tmpdir(), 'openshell-h2spec-build-'));
  try {
    const env = { ...process.env, GOBIN: place, GOFLAGS: '-mod=mod', GOPATH: join(place, 'go') };
    await run(GO, ['install', MODULE], { timeout: BUILD_MS, env });
    renameSync(join(place, 'h2spec'), program);
    await run(GO, ['clean', '-modcache'], { timeout: BUILD_MS, env });
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr || (error as Error).message);
    if (!existsSync(program)) return { missing: `h2spec cannot be built: ${said.trim().split('\n').at(-1)}` };
  }
  rmSync(place, { recursive: true, force: true });
  return { program };
}

export interface H2specResult {
  readonly cases: number;
  /** Section and description of each case that failed. */
  readonly failed: readonly string[];
}

/** Runs every case against a server on loopback that speaks TLS. */
export async function runH2spec(program: string, port: number): Promise<H2specResult> {
  const place = mkdtempSync(join(tmpdir(), 'openshell-h2spec-run-'));
  const report = join(place, 'report.xml');
  const options = ['-h', '127.0.0.1', '-p', String(port), '-t', '-k', '-o', '2', '-j', report];
  try {
    // It ends with 1 when a case fails: the report says which.
    await run(program, options, { timeout: RUN_MS, maxBuffer: 16 * 1024 * 1024 }).catch(() => undefined);
    return readReport(readFileSync(report, 'utf8'));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** JUnit's XML, as h2spec writes it. */
function readReport(xml: string): H2specResult {
  const cases = xml.match(/<testcase\b[^>]*?(\/>|>[\s\S]*?<\/testcase>)/g) ?? [];
  const failed = cases
    .filter((text) => /<(failure|error)\b/.test(text))
    .map((text) => `${attribute(text, 'package')}: ${attribute(text, 'classname')}`);
  return { cases: cases.length, failed };
}

const attribute = (text: string, name: string): string =>
  new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? '';
