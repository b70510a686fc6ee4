import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ISSUE_CODES, ROUTE_CODES } from '../../src/policy/codes.ts';
import { corpus, GOLDEN, report } from './corpus.ts';

const UPDATE = process.env.UPDATE_GOLDEN === '1';

function compareWithGolden(name: string, rendered: string): void {
  const path = join(GOLDEN, `${name}.txt`);
  if (UPDATE) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, rendered);
  }
  const golden = existsSync(path) ? readFileSync(path, 'utf8') : '(none: run with UPDATE_GOLDEN=1)';
  expect(rendered).toBe(golden);
}

describe('the corpus of wrong policies', () => {
  const files = corpus('bad');

  it.each(files.map((file) => [file.name, file] as const))(
    '%s is refused with the complaints that are written down',
    (name, file) => {
      const { parsed, rendered } = report(file);
      expect(parsed.policy).toBeNull();
      expect(parsed.issues.some(({ severity }) => severity === 'error')).toBe(true);
      compareWithGolden(name, rendered);
    },
  );

  it('has at least 80 files', () => {
    expect(files.length).toBeGreaterThanOrEqual(80);
  });
});

describe('the corpus of right policies', () => {
  it.each(corpus('good').map((file) => [file.name, file] as const))(
    '%s is accepted with the remarks that are written down',
    (name, file) => {
      const { parsed, rendered } = report(file);
      expect(parsed.issues.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(parsed.policy).not.toBeNull();
      compareWithGolden(name, rendered);
    },
  );
});

describe('the two corpora together', () => {
  it('bring out every code, except those that need a file too large to keep', () => {
    const seen = new Set(
      [...corpus('bad'), ...corpus('good')].flatMap((file) =>
        report(file).parsed.issues.map(({ code }) => code),
      ),
    );
    const large = [
      'text_too_large',
      'too_many_issues',
      'yaml_size_limit',
      'too_many_notes',
      'ambiguity_unchecked',
      'too_many_alternatives',
    ];
    // Those of files of routes have tests of their own.
    const elsewhere = [...large, ...Object.keys(ROUTE_CODES)];
    expect(Object.keys(ISSUE_CODES).filter((code) => !seen.has(code) && !elsewhere.includes(code))).toEqual(
      [],
    );
  });

  it('have no golden file without a policy', () => {
    const names = new Set([...corpus('bad'), ...corpus('good')].map(({ name }) => name));
    const golden = ['bad', 'good'].flatMap((kind) =>
      readdirSync(join(GOLDEN, kind)).map((file) => `${kind}/${file.slice(0, -4)}`),
    );
    expect(golden.filter((name) => !names.has(name))).toEqual([]);
  });
});
