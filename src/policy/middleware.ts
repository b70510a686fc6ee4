/** The section `network_middlewares`. */
import type { Read, ReadEntry } from './fields.ts';
import type { TextRead } from './file-path.ts';
import { readHostSelector } from './host.ts';
import { type Budget, hostSteps, intersects } from './intersect.ts';
import { type Issues, type Place, quoted } from './issues.ts';
import { POLICY_LIMITS } from './limits.ts';
import type { Endpoint, Middleware, NetworkPolicy } from './policy.ts';
import type { POLICY } from './schema.ts';
import type { MIDDLEWARE } from './schema-network.ts';

type MiddlewaresRead = NonNullable<Read<typeof POLICY>['value']['fields']['network_middlewares']>;

export function checkMiddlewares(
  read: MiddlewaresRead | undefined,
  network: readonly NetworkPolicy[],
  issues: Issues,
): Middleware[] {
  const skipped = network.flatMap(({ endpoints }) => endpoints.filter(({ tlsSkip }) => tlsSkip));
  const budget: Budget = { steps: POLICY_LIMITS.ambiguitySteps };
  const orders = new Map<number, string>();
  return (read?.value ?? []).flatMap((entry) => {
    const checked = checkMiddleware(entry, issues);
    if (checked === null) return [];
    const place = { span: entry.keySpan, path: entry.path };
    const other = orders.get(checked.order);
    if (other !== undefined) {
      const message = `${quoted(checked.key)} and ${quoted(other)} have the same order, ${checked.order}`;
      issues.report('middleware_order', place, message, 'Write a different `order`; it is 0 when omitted.');
    }
    orders.set(checked.order, checked.key);
    if (checked.onError === 'fail_closed') checkSkipped(checked, place, skipped, budget, issues);
    return checked;
  });
}

function checkMiddleware(entry: ReadEntry<typeof MIDDLEWARE>, issues: Issues): Middleware | null {
  const fields = entry.read?.value.fields;
  if (fields?.middleware === undefined) return null;
  const endpoints = fields.endpoints?.value.fields;
  const include = endpoints?.include?.value ?? [];
  const exclude = endpoints?.exclude?.value ?? [];
  const extra = [...include, ...exclude][POLICY_LIMITS.middlewarePatterns];
  if (extra !== undefined) {
    const message = `more than ${POLICY_LIMITS.middlewarePatterns} host patterns stand in \`include\` and \`exclude\``;
    issues.report('too_many_items', extra, message);
  }
  return {
    key: entry.key,
    span: entry.keySpan,
    middleware: fields.middleware.value,
    order: fields.order?.value ?? 0,
    onError: fields.on_error?.value ?? 'fail_closed',
    include: checkSelectors(include, issues),
    exclude: checkSelectors(exclude, issues),
  };
}

function checkSelectors(reads: readonly TextRead[], issues: Issues): string[] {
  return reads.slice(0, POLICY_LIMITS.middlewarePatterns).flatMap((read) => {
    const host = readHostSelector(read.value);
    if (host.ok) return host.value.text;
    issues.report(host.error.code, read, host.error.message, host.error.hint);
    return [];
  });
}

/** A stage that fails closed promises to see every request to its hosts; it sees nothing of a closed connection. */
function checkSkipped(
  middleware: Middleware,
  place: Place,
  skipped: readonly Endpoint[],
  budget: Budget,
  issues: Issues,
): void {
  // Reported already, for one before this.
  if (budget.steps < 0) return;
  const include = middleware.include.map(hostSteps);
  const exclude = middleware.exclude.map(hostSteps);
  const covered = skipped.find(({ host, hostKind }) => {
    const steps = hostKind === 'any' ? hostSteps('**') : hostSteps(host.value);
    const leftOut =
      middleware.exclude.includes(host.value) ||
      (hostKind !== 'pattern' &&
        hostKind !== 'any' &&
        exclude.some((other) => intersects(steps, other, '.', budget)));
    return !leftOut && include.some((other) => intersects(steps, other, '.', budget));
  });
  if (budget.steps < 0) {
    const message = 'so many endpoints have `tls: skip` that they cannot be compared with the middlewares';
    issues.report('ambiguity_unchecked', place, message, 'Use fewer patterns.');
  } else if (covered !== undefined) {
    const message = `${quoted(middleware.key)} fails closed, but it cannot see into the endpoint on line ${covered.span.line} (\`tls: skip\`)`;
    issues.report(
      'middleware_tls_skip',
      place,
      message,
      'List the host under `exclude`, or write `on_error: fail_open`.',
    );
  }
}
