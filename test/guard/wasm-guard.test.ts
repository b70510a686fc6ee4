import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBundle } from '../../src/guard/bundle.ts';
import type { Guard, GuardInput } from '../../src/guard/guard.ts';
import type { GuardLimits } from '../../src/guard/limits.ts';
import { openWasmGuard } from '../../src/guard/wasm-guard.ts';
import { skipped } from '../support/installed-once.ts';
import { opa, opaBundle } from '../support/opa.ts';
import { Scratch } from '../support/scratch.ts';

const to = (host: string, method?: string): GuardInput => ({
  exec: { path: '/usr/bin/curl', sha256: null, ancestors: ['/bin/sh'], cmdline_paths: [] },
  network: { host, port: 443 },
  ...(method === undefined
    ? {}
    : { request: { method, path: '/', query_params: {}, graphql: null, jsonrpc: null } }),
});

describe.skipIf('missing' in opa)(`a compiled guardrail${skipped(opa)}`, () => {
  let scratch: Scratch;
  let workerFile: string;
  const open: Guard[] = [];
  beforeAll(async () => {
    scratch = new Scratch('wasm-guard');
    workerFile = join(scratch.path, 'worker.cjs');
    await build({
      entryPoints: ['src/guard/guard-worker.late.ts'],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: workerFile,
    });
  });
  afterAll(async () => {
    await Promise.all(open.map((guard) => guard.close()));
    scratch?.remove();
  });

  let made = 0;
  async function tried(
    rego: string,
    entrypoints: readonly string[] = ['g/deny'],
    how: { data?: object; entrypoint?: string; limits?: Partial<GuardLimits> } = {},
  ) {
    made += 1;
    const directory = scratch.directory(String(made));
    const bundle = readBundle(opaBundle(directory, `package g\n${rego}`, entrypoints, how.data ?? null));
    if (!bundle.ok) throw new Error(bundle.error);
    return openWasmGuard({
      guardrail: bundle.value,
      entrypoint: how.entrypoint ?? null,
      workerFile,
      limits: how.limits ?? {},
    });
  }
  async function guard(...args: Parameters<typeof tried>): Promise<Guard> {
    const opened = await tried(...args);
    if (!opened.ok) throw new Error(opened.error);
    open.push(opened.value);
    return opened.value;
  }

  it('denies what its rule names, and says why', async () => {
    const { evaluate } = asked(
      await guard(
        `deny contains msg if { input.network.host == "bad.test"; msg := sprintf("%s is bad for %s", [input.network.host, input.exec.path]) }
         deny contains "no DELETE" if input.request.method == "DELETE"`,
      ),
    );
    expect(await evaluate(to('good.test'))).toEqual({ allow: true });
    expect(await evaluate(to('bad.test'))).toEqual({
      allow: false,
      reason: 'guardrail_denied',
      detail: 'bad.test is bad for /usr/bin/curl',
    });
    expect(await evaluate(to('good.test', 'GET'))).toEqual({ allow: true });
    expect(await evaluate(to('good.test', 'DELETE'))).toMatchObject({ detail: 'no DELETE' });
  });

  it('has the data of its bundle', async () => {
    const { evaluate } = asked(
      await guard('default allow := false\nallow if input.network.host in data.hosts', ['g/allow'], {
        data: { hosts: ['good.test'] },
      }),
    );
    expect(await evaluate(to('good.test'))).toEqual({ allow: true });
    expect(await evaluate(to('bad.test'))).toMatchObject({ reason: 'guardrail_denied' });
  });

  it('may answer as the policy of OpenShell does', async () => {
    const { evaluate } = asked(
      await guard(
        'default egress_authorization := {"action": "allow", "deny_reason": ""}\negress_authorization := {"action": "deny", "deny_reason": "no"} if input.network.port == 443',
        ['g/egress_authorization'],
      ),
    );
    expect(await evaluate(to('a.test'))).toEqual({ allow: false, reason: 'guardrail_denied', detail: 'no' });
  });

  it('that is undefined for a question gives no answer', async () => {
    const { evaluate } = asked(await guard('allow if input.network.host == "good.test"', ['g/allow']));
    expect(await evaluate(to('good.test'))).toEqual({ allow: true });
    expect(await evaluate(to('bad.test'))).toMatchObject({ reason: 'guardrail_failed' });
  });

  it('with several rules has to be told which', async () => {
    const rego = 'default allow := true\ndeny contains "no" if input.network.port == 443';
    const both = ['g/allow', 'g/deny'];
    const opened = await tried(rego, both);
    expect(opened.ok ? '' : opened.error).toContain('name one of `g/allow`, `g/deny`');
    expect((await tried(rego, both, { entrypoint: 'g/other' })).ok).toBe(false);
    const answers = await Promise.all(
      both.map(async (entrypoint) => (await guard(rego, both, { entrypoint })).evaluate(to('a.test'))),
    );
    expect(answers.map(({ allow }) => allow)).toEqual([true, false]);
  });

  it('answers many questions at once, each its own', async () => {
    const { evaluate } = asked(await guard('deny contains input.network.host if input.network.port == 443'));
    const hosts = Array.from({ length: 300 }, (_, i) => `h${i}.test`);
    const answers = await Promise.all(hosts.map((host) => evaluate(to(host))));
    expect(answers.map((answer) => !answer.allow && answer.detail)).toEqual(hosts);
  });

  const ENDLESS = `
    deny contains "never" if {
      input.network.host == "slow.test"
      some i in numbers.range(1, 4000)
      some j in numbers.range(1, 4000)
      some k in numbers.range(1, 4000)
      i * j * k == -1
    }`;

  it('that takes too much of anything fails, and answers the next question', async () => {
    const { evaluate } = asked(await guard(ENDLESS));
    const [slow, next] = await Promise.all([evaluate(to('slow.test')), evaluate(to('good.test'))]);
    expect(slow).toMatchObject({ reason: 'guardrail_failed' });
    expect(next).toEqual({ allow: true });
  });

  it('that does not end is ended with its thread, and the next question has another', async () => {
    const file = join(scratch.path, 'endless.cjs');
    writeFileSync(
      file,
      `const { parentPort } = require('node:worker_threads');
       parentPort.on('message', ({ id, input }) => {
         if (input.includes('slow.test')) for (;;);
         parentPort.postMessage({ kind: 'answer', id, answer: { allow: true } });
       });
       parentPort.postMessage({ kind: 'ready', entrypoints: ['g/deny'] });`,
    );
    const guardrail = { wasm: new Uint8Array(), data: '{}' };
    const opened = await openWasmGuard({
      guardrail,
      entrypoint: null,
      workerFile: file,
      limits: { evaluationMs: 500 },
    });
    if (!opened.ok) throw new Error(opened.error);
    open.push(opened.value);
    const hosts = ['slow.test', 'good.test', 'slow.test', 'good.test'];
    const answers = await Promise.all(hosts.map((host) => opened.value.evaluate(to(host))));
    const late = { reason: 'guardrail_failed', detail: expect.stringContaining('took longer than 500 ms') };
    expect(answers).toMatchObject([late, { allow: true }, late, { allow: true }]);
  });

  it('that wants all memory fails, and answers the next question', async () => {
    const rego = `deny contains "much" if { input.network.host == "much.test"; x := [y | some y in numbers.range(1, 100000000)]; count(x) > 3 }`;
    const { evaluate } = asked(
      await guard(rego, ['g/deny'], { limits: { evaluationMs: 30_000, memoryPages: 64 } }),
    );
    expect(await evaluate(to('much.test'))).toMatchObject({ reason: 'guardrail_failed' });
    expect(await evaluate(to('good.test'))).toEqual({ allow: true });
  });

  it('that calls what is not there fails', async () => {
    const { evaluate } = asked(
      await guard(
        'deny contains "x" if http.send({"method": "GET", "url": "http://127.0.0.1/"}).status_code == 200',
      ),
    );
    expect(await evaluate(to('a.test'))).toMatchObject({
      reason: 'guardrail_failed',
      detail: expect.stringContaining('not implemented'),
    });
  });

  it('is not asked more at a time than may wait, nor anything too large, nor after its end', async () => {
    const one = await guard(ENDLESS, ['g/deny'], { limits: { evaluationMs: 200, waiting: 2 } });
    const answers = await Promise.all([1, 2, 3, 4].map(() => one.evaluate(to('slow.test'))));
    expect(answers[3]).toMatchObject({ detail: 'too many questions wait for the guardrail' });
    expect(await one.evaluate(to('x'.repeat(2_000_000)))).toMatchObject({
      detail: expect.stringContaining('too large'),
    });
    const last = one.evaluate(to('slow.test'));
    await one.close();
    expect(await last).toMatchObject({ reason: 'guardrail_failed' });
    expect(await one.evaluate(to('a.test'))).toMatchObject({ reason: 'guardrail_failed' });
  });

  it('that is no module is not opened', async () => {
    const wasm = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    for (const bytes of [wasm, Buffer.concat([wasm, Buffer.from([9, 9, 9])])]) {
      const opened = await openWasmGuard({
        guardrail: { wasm: bytes, data: '{}' },
        entrypoint: null,
        workerFile,
      });
      expect(opened.ok ? '' : opened.error).toContain('cannot be loaded');
    }
  });
});

const asked = (one: Guard) => ({ evaluate: (input: GuardInput) => one.evaluate(input) });
