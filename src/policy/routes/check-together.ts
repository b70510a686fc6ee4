/** What only a look at all routes together can tell: names, failover, and which one answers for a model. */
import { type Issues, quoted } from '../issues.ts';
import type { InferenceRoute } from './routes.ts';

export function checkTogether(routes: readonly InferenceRoute[], issues: Issues): void {
  const byName = new Map<string, InferenceRoute>();
  for (const route of routes) {
    const other = byName.get(route.name);
    if (other !== undefined)
      issues.report(
        'duplicate_entry',
        placeOf(route, 'name'),
        `${quoted(route.name)} is the name of the route on line ${other.span.line} too`,
      );
    byName.set(route.name, route);
  }
  for (const route of routes) checkFailover(route, byName, issues);
  checkModels(routes, issues);
}

function checkFailover(
  route: InferenceRoute,
  byName: ReadonlyMap<string, InferenceRoute>,
  issues: Issues,
): void {
  const seen = new Set<string>();
  for (const name of route.failover) {
    const place = placeOf(route, 'failover');
    const other = byName.get(name);
    if (seen.has(name))
      issues.report('duplicate_entry', place, `${quoted(name)} stands in \`failover\` twice`);
    seen.add(name);
    if (other === undefined)
      issues.report('unknown_route', place, `${quoted(name)} is no route of this file`);
    else if (other === route) issues.report('unknown_route', place, `${quoted(name)} names itself`);
    else if (!asked(other).some((protocol) => route.protocols.includes(protocol)))
      issues.report(
        'no_effect',
        place,
        `${quoted(name)} speaks no protocol of this route, so it never stands in`,
      );
  }
}

/** The model list is ours, so every route may be in it. */
const asked = ({ protocols }: InferenceRoute) =>
  protocols.filter((protocol) => protocol !== 'model_discovery');

function checkModels(routes: readonly InferenceRoute[], issues: Issues): void {
  const owners = new Map<string, InferenceRoute>();
  for (const route of routes)
    for (const name of new Set([route.model, ...(route.aliases ?? [])]))
      for (const protocol of asked(route)) {
        const key = `${protocol} ${name}`;
        const owner = owners.get(key);
        owners.set(key, owner ?? route);
        // Two that stand in for each other, or two keys for one model, are told apart by their order.
        if (owner === undefined || owner === route || (owner.model === name && route.model === name))
          continue;
        issues.report(
          'ambiguous_model',
          placeOf(route, 'aliases'),
          `the route on line ${owner.span.line}, ${quoted(owner.name)}, answers for ${quoted(name)} (${protocol}) too`,
          'Give each name to one route; list the other one under its `failover`.',
        );
        break;
      }
}

const placeOf = ({ span, name }: InferenceRoute, key: string) => ({ span, path: `routes.${name}.${key}` });
