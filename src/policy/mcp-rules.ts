/** Rules of `protocol: mcp`: methods and tools. */
import { isGlob } from '../base/glob.ts';
import type { TextRead } from './file-path.ts';
import { type Issues, quoted } from './issues.ts';
import { checkMatcher, type MatcherRead, type RuleRead } from './matcher.ts';
import { checkGlob } from './pattern.ts';
import type { ValueMatcher } from './policy.ts';

export interface McpRuleContext {
  readonly kind: 'allow' | 'deny';
  /** The endpoint's `allow_all_known_mcp_methods`. */
  readonly allowAllKnownMethods: boolean;
  readonly strictToolNames: boolean;
}

const TOOL_CALL = 'tools/call';
const STRICT_TOOL_NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** Checks method and tool; returns the tool. */
export function checkMcpRule(read: RuleRead, context: McpRuleContext, issues: Issues): ValueMatcher | null {
  const { fields, keys } = read.value;
  const tool = toolOf(read, issues);
  if (fields.method !== undefined) checkMethod(fields.method, issues);
  const saysWhich =
    keys.has('method') || ((context.allowAllKnownMethods || context.kind === 'deny') && keys.size > 0);
  if (!saysWhich && keys.size > 0) {
    const hint = `Write \`method: ${TOOL_CALL}\` for tools.`;
    issues.report('missing_key', read, 'the rule needs `method`', hint);
  }
  if (tool === null) return null;
  if (fields.method !== undefined && fields.method.value !== TOOL_CALL) {
    const message = `a tool says nothing about ${quoted(fields.method.value)}: only \`${TOOL_CALL}\` calls tools`;
    issues.report('invalid_tool', tool, message, `Write \`method: ${TOOL_CALL}\`, or remove the tool.`);
  }
  const matcher = checkMatcher(tool, issues);
  for (const name of matcher.anyOf) checkToolName(name, tool, context, issues);
  return matcher;
}

/** `tool`, or `params.name`, which says the same. */
function toolOf(read: RuleRead, issues: Issues): MatcherRead | null {
  const { fields } = read.value;
  const name = fields.params?.value.fields.name;
  if (fields.tool !== undefined && name !== undefined) {
    issues.report('exclusive_keys', name, '`params.name` says the same as `tool`', 'Keep one of them.');
  }
  if (fields.params !== undefined && fields.params.value.keys.size === 0) {
    issues.report(
      'empty_value',
      fields.params,
      '`params` is empty',
      'Write `params: {name: ...}`, or `tool`.',
    );
  }
  return fields.tool ?? name ?? null;
}

function checkMethod(read: TextRead, issues: Issues): void {
  const method = read.value;
  if (!isGlob(method)) {
    if (!/\s/.test(method)) return;
    issues.report(
      'unknown_method',
      read,
      `${quoted(method)} is no method of MCP`,
      'Write it as `tools/call`.',
    );
  } else if (method.startsWith('tools/')) {
    checkGlob(read, '/', issues);
  } else {
    const message = `${quoted(method)} is a pattern, which is allowed below \`tools/\` only`;
    const hint =
      method === '*'
        ? 'Set `mcp: {allow_all_known_mcp_methods: true}` on the endpoint.'
        : 'Write one rule for each method.';
    issues.report('unknown_method', read, message, hint);
  }
}

function checkToolName(name: string, place: MatcherRead, context: McpRuleContext, issues: Issues): void {
  if (isGlob(name)) {
    if (context.kind === 'deny' && /(?:^|[^*])\*(?:$|[^*])|\?/.test(name)) {
      const message = `${quoted(name)} denies what goes on behind a dot too; in OpenShell \`*\` stops there`;
      issues.report('pattern_dialect', place, message);
    }
    if (context.strictToolNames) return;
    const message = `${quoted(name)} is a pattern, but without strict tool names a name may hold anything`;
    issues.report('invalid_tool', place, message, 'Set `strict_tool_names: true`, or name the tools.');
  } else if (context.strictToolNames && !STRICT_TOOL_NAME.test(name)) {
    const message = `${quoted(name)} is no strict tool name, so calls of it are refused`;
    issues.report('invalid_tool', place, message, 'Strict names have 1 to 128 of `A-Z a-z 0-9 _ . -`.');
  }
}

/** A rule that allows every tool makes the rules for single tools say something that does not hold. */
export function checkMcpRules(rules: readonly RuleRead[], issues: Issues): void {
  const hasTool = ({ value }: RuleRead): boolean => value.keys.has('tool') || value.keys.has('params');
  const wide = rules.find((rule) => !hasTool(rule) && coversToolCalls(rule.value.fields.method?.value));
  if (wide === undefined) return;
  const narrow = rules.find(hasTool);
  if (narrow === undefined) return;
  const message = `this rule is for single tools, but the rule on line ${wide.span.line} already allows every tool`;
  issues.report('tool_overruled', narrow, message, 'Remove one of the two.');
}

function coversToolCalls(method: string | undefined): boolean {
  return method === TOOL_CALL || (method !== undefined && /^tools\/\*+$/.test(method));
}
