/** A document of GraphQL to the operation that it runs. A late bundle: the library is read only where it is needed. */
import type {
  DocumentNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
  SelectionSetNode,
} from 'graphql/language/ast.js';
import { Kind } from 'graphql/language/kinds.js';
import { Lexer } from 'graphql/language/lexer.js';
import { parse } from 'graphql/language/parser.js';
import { Source } from 'graphql/language/source.js';
import { TokenKind } from 'graphql/language/tokenKind.js';
import { err, ok, type Result } from '../base/result.ts';
import type { Operation } from '../match/asked.ts';

/** As OpenShell has them. */
const MAX_TOKENS = 20_000;
const MAX_DEPTH = 128;
const MAX_FIELDS = 1000;

/** `name`: which operation is meant; null: the only one. Errors are clauses that follow "the document". */
export function readDocument(text: string, name: string | null): Result<Operation, string> {
  const document = parseDocument(text);
  if (!document.ok) return document;
  const operations = new Map<string | null, OperationDefinitionNode>();
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.value.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      const key = definition.name?.value ?? null;
      if (operations.has(key)) return err('has two operations of one name');
      operations.set(key, definition);
    } else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      if (fragments.has(definition.name.value)) return err('has two fragments of one name');
      fragments.set(definition.name.value, definition);
    } else {
      return err('defines types, which nobody can run');
    }
  }
  if (operations.size > 1 && (name === null || operations.has(null)))
    return err('has several operations, and nothing says which is meant');
  const [only] = operations.values();
  const operation = name === null ? only : operations.get(name);
  if (operation === undefined) return err('has no such operation');
  const fields = rootFields(operation.selectionSet, fragments);
  if (!fields.ok) return fields;
  return ok({
    kind: 'operation',
    type: operation.operation,
    name: operation.name?.value ?? null,
    fields: fields.value,
  });
}

function parseDocument(text: string): Result<DocumentNode, string> {
  const source = new Source(text);
  try {
    // The parser recurses, so how deep it will go is known before.
    const lexer = new Lexer(source);
    let depth = 0;
    let tokens = 0;
    for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
      tokens += 1;
      if (OPENING.has(kind)) depth += 1;
      if (CLOSING.has(kind)) depth -= 1;
      if (depth > MAX_DEPTH) return err(`is nested more than ${MAX_DEPTH} deep`);
      if (tokens > MAX_TOKENS) return err(`has more than ${MAX_TOKENS} tokens`);
    }
    return ok(parse(source, { noLocation: true, maxTokens: MAX_TOKENS }));
  } catch {
    // A GraphQLError; its text repeats what came.
    return err('is malformed');
  }
}

const OPENING: ReadonlySet<string> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<string> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/** Each fragment is entered once, so circles end. What `@skip` and `@include` come to depends on variables: all count. */
function rootFields(
  root: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Result<readonly string[], string> {
  const fields = new Set<string>();
  const entered = new Set<string>();
  const open = [root];
  for (let set = open.pop(); set !== undefined; set = open.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        fields.add(selection.name.value);
        if (fields.size > MAX_FIELDS) return err(`asks for more than ${MAX_FIELDS} root fields`);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        open.push(selection.selectionSet);
      } else if (!entered.has(selection.name.value)) {
        entered.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment === undefined) return err('spreads a fragment that it does not have');
        open.push(fragment.selectionSet);
      }
    }
  }
  return fields.size === 0 ? err('asks for no field') : ok([...fields]);
}
