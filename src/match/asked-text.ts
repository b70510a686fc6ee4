/** What is asked for, in words for people, and as the fields of a rule that would allow it. */
import type { Asked, AskedItem } from './asked.ts';
import type { WantedRule } from './request-verdict.ts';
import { listed, shown } from './shown.ts';

/** A noun phrase on one line, bounded. */
export function askedText(item: AskedItem): string {
  switch (item.kind) {
    case 'operation': {
      if (item.type === null) return 'a persisted query that is not registered';
      const name = item.name === null ? '' : ` ${shown(item.name)}`;
      return `the ${item.type}${name} of ${listed(item.fields.map(shown), 5)}`;
    }
    case 'call':
      return item.tool === null
        ? `the method ${shown(item.method)}`
        : `a call of the tool ${shown(item.tool)}`;
    case 'method':
      return `the method ${shown(`${item.service}/${item.method}`)}`;
  }
}

const MAX_NAMES = 16;
const MAX_NAME = 200;

/** For events, bounded: names only, never parameters. */
export const askedNames = (asked: Asked): readonly string[] =>
  asked.kind === 'control'
    ? []
    : asked.items.slice(0, MAX_NAMES).map((item) => nameOf(item).slice(0, MAX_NAME));

function nameOf(item: AskedItem): string {
  switch (item.kind) {
    case 'operation':
      return `${item.type ?? 'unknown'} ${item.fields.join(' ')}`.trimEnd();
    case 'call':
      return item.tool === null ? item.method : `${item.method} ${item.tool}`;
    case 'method':
      return `${item.service}/${item.method}`;
  }
}

const PLAIN = /^[A-Za-z0-9_./$-]{1,128}$/;

/** Null where the texts cannot stand in a policy as they are. */
export function wantedRule(item: AskedItem): WantedRule | null {
  switch (item.kind) {
    case 'operation': {
      const writable =
        item.fields.length > 0 && item.fields.length <= 16 && item.fields.every((f) => PLAIN.test(f));
      return item.type === null || !writable ? null : { operation_type: item.type, fields: item.fields };
    }
    case 'call':
      if (!PLAIN.test(item.method) || (item.tool !== null && !PLAIN.test(item.tool))) return null;
      return item.tool === null ? { method: item.method } : { method: item.method, tool: item.tool };
    case 'method':
      return PLAIN.test(item.service) && PLAIN.test(item.method)
        ? { service: item.service, method: item.method }
        : null;
  }
}
