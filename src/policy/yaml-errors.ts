/** What the YAML library complains about, in words of ours. Its own texts may change; its codes do not. */
import type { ErrorCode } from 'yaml';
import type { IssueCode } from './codes.ts';

interface Wording {
  readonly code: IssueCode;
  readonly message: string;
  readonly hint: string | null;
}

const syntax = (message: string, hint: string | null = null): Wording => ({
  code: 'yaml_syntax',
  message,
  hint,
});

const NO_ALIAS: Wording = {
  code: 'yaml_alias',
  message: 'the anchor or alias is malformed',
  hint: 'Anchors are written `&name`, aliases `*name`.',
};

export const YAML_ERRORS: Readonly<Record<ErrorCode, Wording>> = {
  ALIAS_PROPS: { ...NO_ALIAS, message: 'an alias cannot have an anchor of its own' },
  BAD_ALIAS: NO_ALIAS,
  BAD_COLLECTION_TYPE: syntax('a list or mapping stands where another kind was announced'),
  BAD_DIRECTIVE: { code: 'yaml_directive', message: 'the directive is malformed', hint: 'Remove the line.' },
  BAD_DQ_ESCAPE: syntax(
    'the text holds an unknown escape',
    'Write `\\\\` for a backslash, or use single quotes.',
  ),
  BAD_INDENT: syntax(
    'the indentation does not fit what stands around it',
    'Keys of one mapping and items of one list begin in the same column; is a bracket open before?',
  ),
  BAD_PROP_ORDER: syntax('an anchor stands before the indicator that it belongs after'),
  BAD_SCALAR_START: syntax('text cannot begin with this character', 'Put the text in quotes.'),
  BLOCK_AS_IMPLICIT_KEY: syntax(
    'a mapping or list begins on the line of its key',
    'Begin it on the next line, indented; put text that holds `: ` in quotes.',
  ),
  BLOCK_IN_FLOW: syntax(
    'an indented mapping or list stands inside `{}` or `[]`',
    'Close the bracket, or use brackets inside it too.',
  ),
  DUPLICATE_KEY: { code: 'yaml_duplicate_key', message: 'the key stands here twice', hint: null },
  IMPOSSIBLE: syntax('the text cannot be read'),
  KEY_OVER_1024_CHARS: syntax('the key is longer than 1024 characters'),
  MISSING_CHAR: syntax(
    'something is missing here: a `:` with a blank after it, a comma, a closing quote or a closing bracket',
  ),
  MULTILINE_IMPLICIT_KEY: syntax(
    'the key goes over more than one line',
    'Is a `:` missing on the line before, or a quote?',
  ),
  MULTIPLE_ANCHORS: { ...NO_ALIAS, message: 'a value can have one anchor only' },
  MULTIPLE_DOCS: { code: 'yaml_documents', message: 'a second document begins here', hint: 'Remove it.' },
  MULTIPLE_TAGS: {
    code: 'yaml_tag',
    message: 'tags are not part of the policy language',
    hint: 'Remove the tags.',
  },
  NON_STRING_KEY: {
    code: 'yaml_key',
    message: 'a key must be plain text',
    hint: 'Write the key out, without `*`, `[` or `{`.',
  },
  RESOURCE_EXHAUSTION: { code: 'yaml_depth_limit', message: 'the document is nested too deeply', hint: null },
  TAB_AS_INDENT: { code: 'yaml_tab', message: 'a tab is used as indentation', hint: 'Indent with spaces.' },
  TAG_RESOLVE_FAILED: syntax('the value cannot be read'),
  UNEXPECTED_TOKEN: syntax(
    'this does not belong here',
    'Check brackets, commas and indentation of this line and the one before.',
  ),
};
