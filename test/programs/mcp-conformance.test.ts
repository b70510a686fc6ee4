/**
 * The conformance suite of MCP, run inside a sandbox whose endpoint reads MCP, and in the same run without one: nothing may
 * fail that does not fail without. Results: docs/conformance.md.
 */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, find } from './support/host.ts';
import { everythingServer } from './support/mcp-everything.ts';
import { eventsOf, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const run = promisify(execFile);
const PACKAGES = ['@modelcontextprotocol/conformance@0.1.16', 'node@24'];
const INSTALL_MS = 240_000;
const SUITE_MS = 120_000;
const scratch = useScratch();
const suite = await installed();
let server: WebServer;

const POLICY = `version: 1
network_policies:
  mcp:
    endpoints:
      - host: mcp.test
        port: 80
        path: /mcp
        protocol: mcp
        mcp: { allow_all_known_mcp_methods: true, versions: ["2025-03-26", "2025-06-18", "2025-11-25"] }
        rules: [{ allow: { tool: "*" } }]
    binaries: [{ path: "/**" }]
`;

/** The command and where it lies; made once for a machine, beside its place and renamed. */
async function installed(): Promise<{ readonly home: string } | { readonly missing: string }> {
  const home = join(tmpdir(), `openshell-mcp-conformance-0.1.16-${process.getuid!()}`);
  if (existsSync(home)) return { home };
  const npm = find('npm');
  if (npm === null) return { missing: 'npm' };
  const fresh = mkdtempSync(`${home}-`);
  try {
    writeFileSync(join(fresh, 'package.json'), '{"private":true}');
    const options = ['--no-audit', '--no-fund', '--fetch-retries=1'];
    await run(npm, ['install', ...options, ...PACKAGES], { cwd: fresh, timeout: INSTALL_MS });
    chmodSync(fresh, 0o755); // the workload may be another user
    renameSync(fresh, home);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    const said = String((error as { stderr?: string }).stderr || (error as Error).message);
    if (!existsSync(home)) return { missing: `the suite (${said.trim().split('\n').at(-1)})` };
  }
  return { home };
}

const command = (home: string, url: string): [string, ...string[]] => [
  join(home, 'node_modules/node/bin/node'),
  join(home, 'node_modules/@modelcontextprotocol/conformance/dist/index.js'),
  ...['server', '--url', url],
];

/** Scenarios by their outcome, from the summary at the end. */
function outcomes(printed: string): { readonly passed: string[]; readonly failed: string[] } {
  const named = (mark: string): string[] =>
    [...printed.matchAll(new RegExp(`^${mark} ([\\w-]+): `, 'gm'))].map(([, name]) => name!);
  return { passed: named('✓'), failed: named('✗') };
}

beforeAll(async () => {
  if ('home' in suite) server = await serve(everythingServer());
}, INSTALL_MS);
afterAll(() => server?.close());

const lacking = 'missing' in suite ? [suite.missing] : [];

describe.skipIf(lacking.length > 0)(`the conformance suite of MCP${because(lacking)}`, () => {
  const { home } = suite as { home: string };

  it('fails nothing in a sandbox that it does not fail without', { timeout: 2 * SUITE_MS }, async () => {
    const [program, ...args] = command(home, `http://127.0.0.1:${server.port}/mcp`);
    // It ends with 1 when a scenario fails: the summary says which.
    const direct = await run(program, args, { cwd: scratch.project, timeout: SUITE_MS }).catch(
      (error: { stdout: string }) => error,
    );
    const without = outcomes(direct.stdout);
    expect(without.passed.length).toBeGreaterThan(25);

    const log = join(scratch.root, 'events');
    const done = await openshell(
      [
        ...['run', '--policy', scratch.policy(POLICY), '--read', home, '--events', log],
        ...['--connect-to', `mcp.test:80:127.0.0.1:${server.port}`, '--'],
        ...command(home, 'http://mcp.test/mcp'),
      ],
      { cwd: scratch.project, home: scratch.home },
    );
    const inside = outcomes(done.stdout);
    expect(inside.failed.filter((name) => !without.failed.includes(name))).toEqual([]);
    expect(inside.passed).toEqual(expect.arrayContaining(without.passed));
    const asked = eventsOf(log).flatMap(({ subject }) =>
      subject.kind === 'request' ? (subject.asked ?? []) : [],
    );
    expect(asked.join(' ')).toMatch(/test_simple_text/);
  });
});
