/**
 * YAML text to the tokens of one document, stopped at the first bound that it crosses. The composer of the YAML
 * library is recursive and keeps everything; here it never sees more than the bounds let through.
 */
import { CST, Lexer, Parser } from 'yaml';
import { err, ok, type Result } from '../base/result.ts';
import type { IssueCode } from './codes.ts';
import { badEscape } from './escapes.ts';
import { POLICY_LIMITS } from './limits.ts';

export interface TokenProblem {
  readonly code: IssueCode;
  readonly message: string;
  readonly hint: string | null;
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
}

export function readTokens(text: string): Result<readonly CST.Token[], TokenProblem> {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const counts: TokenCounts = { lexemes: 0, nodes: 0, blanks: 0, punctuation: 0 };
  let documents = 0;
  let scalarFollows = false;
  const take = (token: CST.Token): TokenProblem | null => {
    if (token.type === 'document') documents += 1;
    tokens.push(token);
    if (documents < 2) return null;
    return {
      code: 'yaml_documents',
      message: 'a second document begins here',
      hint: 'A policy is one YAML document: remove the `---` line or what follows it.',
      start: token.offset,
      end: token.offset + 3,
    };
  };
  for (const lexeme of new Lexer().lex(text)) {
    const type: string | null = scalarFollows ? SCALAR_TEXT : CST.tokenType(lexeme);
    scalarFollows = type === 'scalar';
    const refusal = refuseToken(type, lexeme) ?? countToken(type, counts);
    if (refusal !== null)
      return err({ ...refusal, start: parser.offset, end: parser.offset + lexeme.length });
    for (const token of parser.next(lexeme)) {
      const problem = take(token);
      if (problem !== null) return err(problem);
    }
    if (depthOf(parser.stack) > POLICY_LIMITS.depth) {
      return err({
        code: 'yaml_depth_limit',
        message: `lists and mappings are nested more than ${POLICY_LIMITS.depth} deep`,
        hint: null,
        start: parser.offset - lexeme.length,
        end: parser.offset,
      });
    }
  }
  for (const token of parser.end()) {
    const problem = take(token);
    if (problem !== null) return err(problem);
  }
  return ok(tokens);
}

/** Open collections; the stack holds the document too, and a scalar at its top. */
const depthOf = (stack: readonly CST.Token[]): number =>
  stack.length - 1 - (CST.isCollection(stack.at(-1)) ? 0 : 1);

type Refusal = Omit<TokenProblem, 'start' | 'end'>;

function refuseToken(type: string | null, lexeme: string): Refusal | null {
  if (type === 'tag') {
    return {
      code: 'yaml_tag',
      message: 'tags are not part of the policy language',
      hint: 'Remove the tag; put a value in quotes to make it text.',
    };
  }
  if (type === 'directive-line') {
    return {
      code: 'yaml_directive',
      message: 'directives are not part of the policy language',
      hint: 'Remove the line; policies are YAML 1.2.',
    };
  }
  const unknown = type === 'double-quoted-scalar' ? badEscape(lexeme) : null;
  if (unknown === null) return null;
  return {
    code: 'yaml_syntax',
    message: `the text holds the unknown escape \`${unknown}\``,
    hint: 'Write `\\\\` for a backslash, or use single quotes.',
  };
}

interface TokenCounts {
  lexemes: number;
  nodes: number;
  blanks: number;
  punctuation: number;
}

const BLANK = new Set<string | null>(['space', 'newline', 'comment', 'anchor']);
const SCALAR_TEXT = 'scalar-text';
const STARTS_NODE = new Set<string | null>([
  'scalar',
  'single-quoted-scalar',
  'double-quoted-scalar',
  'alias',
  'flow-map-start',
  'flow-seq-start',
]);

function countToken(type: string | null, counts: TokenCounts): Refusal | null {
  counts.lexemes += 1;
  if (BLANK.has(type)) counts.blanks += 1;
  else counts.blanks = 0;
  if (STARTS_NODE.has(type)) counts.nodes += 1;
  else if (counts.blanks === 0 && type !== SCALAR_TEXT) counts.punctuation += 1;
  const tooMany = tooManyTokens(counts);
  if (tooMany === null) return null;
  return { code: 'yaml_size_limit', message: `the document has ${tooMany}`, hint: 'Split the policy.' };
}

/** Each value may have a key, which looks the same here. */
const MOST_SCALARS = 2 * POLICY_LIMITS.nodes;

function tooManyTokens(counts: TokenCounts): string | null {
  if (counts.nodes > MOST_SCALARS) return `more than ${POLICY_LIMITS.nodes} values`;
  if (counts.punctuation > POLICY_LIMITS.punctuation) {
    return `more than ${POLICY_LIMITS.punctuation} punctuation marks`;
  }
  if (counts.blanks > POLICY_LIMITS.blankTokens) {
    return `more than ${POLICY_LIMITS.blankTokens} blanks and comments in a row`;
  }
  if (counts.lexemes > POLICY_LIMITS.tokens) return `more than ${POLICY_LIMITS.tokens} YAML tokens`;
  return null;
}
