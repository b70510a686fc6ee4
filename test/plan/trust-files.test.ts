import { describe, expect, it } from 'vitest';
import { TRUST_FILES, TRUST_VARIABLES, trustFiles } from '../../src/plan/trust-files.ts';

const CA = '-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n';

describe('files of trust', () => {
  it.each([
    ['a bundle that ends with its line', 'theirs\n', `theirs\n${CA}`],
    ['a bundle whose last line is cut', 'theirs', `theirs\n${CA}`],
    ['no bundle', '', CA],
  ])('hold the authority behind %s', (_what, systemBundle, bundle) => {
    expect(trustFiles({ systemBundle, caPem: CA })).toEqual({ ca: CA, bundle });
  });

  it('are each named by some variable', () => {
    expect(new Set(Object.values(TRUST_VARIABLES))).toEqual(new Set(Object.keys(TRUST_FILES)));
  });
});
