import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderIssue } from '../../../src/base/source.ts';
import { parseRoutes } from '../../../src/policy/routes/check.ts';
import { shownText } from '../../../src/policy/routes/shown-text.ts';

describe('what is shown of a file of routes', () => {
  it.each([
    'api_key: SECRET',
    '- api_key: "SECRET"',
    'apikey: SECRET',
    'API-KEY : SECRET',
    'credential: SECRET',
    'credential: env:SECRET-1',
    '{api_key: SECRET}',
    'token: SECRET # mine',
    'Authorization: Bearer SECRET',
    'x-api-key: SECRET',
  ])('keeps the secret back: %s', (line) => {
    const secret = 'hunter2hunter2';
    const shown = shownText(`routes:\n  ${line.replace('SECRET', secret)}\n`);
    expect(shown).not.toContain(secret);
    expect(shown.split('\n')[0]).toBe('routes:');
  });

  it.each([
    'api_key_env: OPENAI_API_KEY',
    'credential: env:OPENAI_API_KEY',
    'credential: "file:/run/secrets/a"',
    'credential: fd:7 # here',
    'budget: {tokens: 1000}',
    'model: claude-sonnet-4-5-20250929',
    'endpoint: https://integrate.api.nvidia.com/v1',
  ])('leaves the rest: %s', (line) => {
    expect(shownText(line)).toBe(line);
  });

  it('keeps back what looks like a key wherever it stands', () => {
    for (const key of ['sk-ant-api03-abcdefghijklmnop', 'nvapi-abcdefghijklmnop', 'A1b2'.repeat(10)])
      expect(shownText(`model: ${key}`)).not.toContain(key);
  });

  it('keeps lines and columns', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const lengths = (of: string): number[] => of.split('\n').map(({ length }) => length);
        expect(lengths(shownText(text))).toEqual(lengths(text));
      }),
    );
  });

  it('is what complaints are rendered with', () => {
    const text = 'routes:\n  - name: a\n    model: m\n    provider: openai\n    api_key: hunter2hunter2\n';
    const [issue] = parseRoutes(text).issues;
    expect(renderIssue(issue!, 'routes.yaml', shownText(text))).toBe(
      [
        'routes.yaml:5:5: error: a key is written down here [literal_secret]',
        '  5 |     api_key: **************',
        '    |     ^^^^^^^',
        '    = hint: Write `credential: env:VARIABLE`, `file:PATH` or `fd:NUMBER`; openshell reads the secret when it starts, and nothing inside the sandbox can.',
      ].join('\n'),
    );
  });
});
