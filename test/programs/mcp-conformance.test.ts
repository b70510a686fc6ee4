/**
 * The conformance suite of MCP, run inside a sandbox whose endpoint reads MCP, and in the same run without one: nothing may
 * fail that does not fail without. Results: docs/conformance.md.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedOnce, skipped } from '../support/installed-once.ts';
import { everythingServer } from './support/mcp-everything.ts';
import { eventsOf, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const run = promisify(execFile);
const VERSION = '0.1.16';
const PACKAGES = [`@modelcontextprotocol/conformance@${VERSION}`, 'node@24'];
const NPM = ['--prefix', '.', '--no-audit', '--no-fund', '--fetch-retries=1'];
const START_MS = 60_000;
const SUITE_MS = 120_000;
const scratch = useScratch();
const suite = await installedOnce({
  name: 'mcp-conformance',
  version: VERSION,
  program: 'node_modules/node/bin/node',
  steps: () => [{ argv: ['npm', 'install', ...NPM, ...PACKAGES] }],
});
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
  if ('program' in suite) server = await serve(everythingServer());
}, START_MS);
afterAll(() => server?.close());

describe.skipIf('missing' in suite)(`the conformance suite of MCP${skipped(suite)}`, () => {
  const { directory: home } = suite as { directory: string };

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
