import { err, ok, type Result } from './result.ts';

const SIZE_UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  B: 1n,
  K: 1n << 10n,
  KiB: 1n << 10n,
  M: 1n << 20n,
  MiB: 1n << 20n,
  G: 1n << 30n,
  GiB: 1n << 30n,
  T: 1n << 40n,
  TiB: 1n << 40n,
  kB: 1000n,
  KB: 1000n,
  MB: 1000n ** 2n,
  GB: 1000n ** 3n,
  TB: 1000n ** 4n,
};

/** Parses a size such as `512MiB`, `2G` or `1048576` into bytes (at most 2^53 - 1). */
export function parseSize(text: string): Result<number, string> {
  const match = /^(\d{1,16})\s?([A-Za-z]{0,3})$/.exec(text);
  const unit = match ? SIZE_UNITS[match[2]!] : undefined;
  if (!match || unit === undefined)
    return err('expected a size such as `512MiB`, `2GiB` or a number of bytes');
  const bytes = BigInt(match[1]!) * unit;
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) return err('the size is larger than 2^53 bytes');
  return ok(Number(bytes));
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  '': 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Parses a duration such as `30`, `30s`, `500ms`, `5m` or `1h` into milliseconds (at most 365 days). */
export function parseDuration(text: string): Result<number, string> {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text);
  if (!match) return err('expected a duration such as `30`, `30s`, `5m` or `1h`');
  const ms = Math.round(Number(match[1]) * DURATION_UNITS[match[2] ?? '']!);
  if (ms > 365 * 86_400_000) return err('the duration is longer than 365 days');
  return ok(ms);
}

/** A size for people: the largest binary unit that divides it with at most one decimal, as `1.5GiB`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)}${units[unit]}`;
}

/** A duration for people: `250ms`, `30s`, `5m`, `2h`, or a sum such as `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const parts: string[] = [];
  let rest = Math.round(ms / 1000);
  for (const [name, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / seconds);
    if (count > 0) parts.push(`${count}${name}`);
    rest -= count * seconds;
  }
  return parts.join('');
}
