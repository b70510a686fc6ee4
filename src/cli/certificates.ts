/** Certificate files that an operator names. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { err, ok, type Result } from '../base/result.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** PEM with one certificate or more, each of which can be read; errors are clauses. */
export function readCertificates(path: string): Result<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return err(`it cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) return err('it holds no certificate in PEM');
  for (const [i, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      return err(`its certificate number ${i + 1} is broken`);
    }
  }
  return ok(`${blocks.join('\n')}\n`);
}
