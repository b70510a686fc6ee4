/** Policy text to a tree of nodes with positions. Whatever two YAML readers could read differently is refused. */
import { Composer, type Document, type ParsedNode } from 'yaml';
import { type Issues, quoted } from './issues.ts';
import { POLICY_LIMITS } from './limits.ts';
import { Lines } from './lines.ts';
import type { YamlNode } from './node.ts';
import { readTokens } from './tokens.ts';
import { buildTree } from './tree.ts';
import { YAML_ERRORS } from './yaml-errors.ts';

/** What the document is, for complaints. */
export interface DocumentWords {
  /** As in "the policy is empty". */
  readonly name: string;
  /** What its first line says, for somebody who has none. */
  readonly begin: string;
}

const POLICY_WORDS: DocumentWords = { name: 'policy', begin: 'version: 1' };

/** Null when the text is no document that can be checked further; the reason stands in `issues`. */
export function parseSyntax(text: string, issues: Issues, words = POLICY_WORDS): YamlNode | null {
  if (isTooLarge(text)) {
    const message = `the file is larger than ${POLICY_LIMITS.bytes / 1024 ** 2} MiB`;
    issues.report('text_too_large', { span: null, path: '' }, message, `Split the ${words.name}.`);
    return null;
  }
  const lines = new Lines(text);
  if (!checkCharacters(text, lines, issues)) return null;
  const tokens = readTokens(text);
  if (!tokens.ok) {
    const { code, message, hint, start, end } = tokens.error;
    issues.report(code, { span: lines.span(start, end), path: '' }, message, hint);
    return null;
  }
  const composer = new Composer<ParsedNode>({
    version: '1.2',
    schema: 'core',
    merge: false,
    strict: true,
    stringKeys: true,
    // Done in tree.ts: the library compares every key with every other.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const [document] = composer.compose(tokens.value);
  if (document === undefined) {
    reportEmpty(lines.span(0, 0), issues, words);
    return null;
  }
  if (reportSyntax(document, lines, issues)) return null;
  const tree = buildTree(document.contents, lines, issues);
  if (tree?.kind === 'scalar' && tree.value === null) {
    reportEmpty(tree.span, issues, words);
    return null;
  }
  return tree;
}

/** The size in UTF-8, counted only where the length leaves a doubt. */
function isTooLarge(text: string): boolean {
  if (text.length > POLICY_LIMITS.bytes) return true;
  if (text.length * 3 <= POLICY_LIMITS.bytes) return false;
  let bytes = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    const surrogate = unit >= 0xd800 && unit < 0xe000;
    bytes += unit < 0x80 ? 1 : unit < 0x800 || surrogate ? 2 : 3;
  }
  return bytes > POLICY_LIMITS.bytes;
}

/** Joiners are let through for scripts that need them; paths and names refuse them later. */
const FORBIDDEN = /\r(?!\n)|(?![\u200c\u200d])[\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u0085]|(?![\t\n\r])\p{Cc}/gu;

function checkCharacters(text: string, lines: Lines, issues: Issues): boolean {
  let found = 0;
  for (const match of text.matchAll(FORBIDDEN)) {
    found += 1;
    if (found > POLICY_LIMITS.syntaxIssues) break;
    const place = { span: lines.span(match.index, match.index + 1), path: '' };
    const point = match[0].codePointAt(0)!;
    const name = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
    if (point === 0xfeff && match.index === 0) {
      issues.report(
        'text_byte_order_mark',
        place,
        'the file begins with a byte order mark',
        'Save it as UTF-8 without one.',
      );
    } else if (/\p{Cc}/u.test(match[0]) && point !== 0x85) {
      const what =
        point === 0
          ? 'a NUL character'
          : point === 13
            ? 'a carriage return without a line feed'
            : `the control character ${name}`;
      issues.report('text_control_character', place, `the file holds ${what}`, 'Remove it.');
    } else {
      const message = `the file holds ${name}, which can hide or reorder what is shown`;
      issues.report('text_hidden_character', place, message, 'Remove it.');
    }
  }
  return found === 0;
}

function reportSyntax(document: Document.Parsed, lines: Lines, issues: Issues): boolean {
  const problems = [
    ...document.errors.slice(0, POLICY_LIMITS.syntaxIssues),
    ...document.warnings.slice(0, POLICY_LIMITS.syntaxIssues),
  ];
  const seen = new Set<string>();
  for (const { code, pos } of problems
    .sort((a, b) => a.pos[0] - b.pos[0])
    .slice(0, POLICY_LIMITS.syntaxIssues)) {
    const wording = YAML_ERRORS[code];
    const span = lines.span(pos[0], pos[1]);
    const key = `${wording.message} ${span.line}`;
    if (seen.has(key)) continue;
    seen.add(key);
    issues.report(wording.code, { span, path: '' }, wording.message, wording.hint);
  }
  return problems.length > 0;
}

function reportEmpty(span: ReturnType<Lines['span']>, issues: Issues, { name, begin }: DocumentWords): void {
  issues.report(
    'yaml_empty',
    { span, path: '' },
    `the ${name} is empty`,
    `A ${name} begins with ${quoted(begin)}.`,
  );
}
