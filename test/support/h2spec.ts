/** h2spec: https://github.com/summerwind/h2spec. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { builtByGo } from './go.ts';
import type { Installed } from './installed-once.ts';

const RUN_MS = 300_000;
const run = promisify(execFile);

/** Without Go or its proxy there is none. The version is what `go install` takes for the latest. */
export const h2spec = (): Promise<Installed> =>
  builtByGo('github.com/summerwind/h2spec/cmd/h2spec', 'v2.2.1+incompatible');

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
