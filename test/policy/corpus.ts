/** The corpus of policies, and how their complaints are written down. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderIssue } from '../../src/base/source.ts';
import { type ParsedPolicy, parsePolicy } from '../../src/policy/check.ts';

const CORPUS = join(import.meta.dirname, '../corpus/policy');
export const GOLDEN = join(import.meta.dirname, '../golden/policy');

export interface CorpusFile {
  /** As `bad/tab-indentation`. */
  readonly name: string;
  readonly text: string;
}

export function corpus(kind: 'good' | 'bad'): readonly CorpusFile[] {
  return readdirSync(join(CORPUS, kind))
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => ({
      name: `${kind}/${file.slice(0, -'.yaml'.length)}`,
      // As a reader of policies decodes it: a byte order mark stays visible.
      text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(readFileSync(join(CORPUS, kind, file))),
    }));
}

/** All complaints about a file, rendered as a person sees them, and the places in the document. */
export function report({ name, text }: CorpusFile): {
  readonly parsed: ParsedPolicy;
  readonly rendered: string;
} {
  const parsed = parsePolicy(text);
  const file = `${name.split('/').at(-1)}.yaml`;
  const rendered = parsed.issues.map((issue) => {
    const place = issue.path === '' ? '' : `\n  at ${issue.path}`;
    return `${renderIssue(issue, file, text)}${place}\n`;
  });
  return { parsed, rendered: rendered.join('\n') };
}
