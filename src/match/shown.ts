import { printable } from '../base/source.ts';

const MAX_SHOWN = 200;

/** Text from inside the sandbox for a message of one line: bounded, without control characters, in backticks. */
export function shown(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
  return `\`${printable(cut).replace(/[\t\n]/g, (c) => (c === '\t' ? '\\t' : '\\n'))}\``;
}

/** At most `limit` items, and how many more there are. */
export function listed(items: readonly string[], limit: number): string {
  const rest = items.length - limit;
  return rest > 0 ? `${items.slice(0, limit).join(', ')} and ${rest} more` : items.join(', ');
}
