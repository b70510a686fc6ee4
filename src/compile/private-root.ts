/** The rows of the private root, in the order in which they are mounted. */
import { byDepth, liesIn } from '../base/path.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Identity, Mount, NetworkMode, Origin } from '../plan/plan.ts';
import { DEVICE_LINKS, DEVICES } from './devices.ts';
import { generatedFiles } from './generated-files.ts';
import type { Protections } from './protections.ts';
import type { Shown, ShownPath } from './shown-paths.ts';

const BUILTIN: Origin = { kind: 'builtin', line: null };

export function privateRoot(
  shown: Shown,
  protections: Protections,
  facts: HostFacts,
  identity: Identity,
  network: NetworkMode,
  opensTls: boolean,
): Mount[] {
  const idmap = identity.host.kind === 'drop' && identity.host.uid === 'unused';
  const rows: Mount[] = [
    ...shown.paths.map((path) => (path.kind === 'host' ? bind(path, idmap) : privateDirectory(path))),
    { kind: 'proc', target: '/proc', origin: BUILTIN },
    { kind: 'devpts', target: '/dev/pts', origin: BUILTIN },
    ...DEVICES.filter(({ path }) => facts.paths.byPath.get(path)?.kind === 'device').map(
      ({ path }): Mount => device(path),
    ),
  ];
  rows.sort((a, b) => byDepth(a.target, b.target));
  for (const { path, link } of DEVICE_LINKS)
    rows.push({ kind: 'symlink', target: path, link, origin: BUILTIN });
  for (const { link, origin } of shown.links)
    rows.push({ kind: 'symlink', target: link.at, link: link.text, origin });
  rows.push(...generatedFiles(shown, facts, identity, network, opensTls));
  rows.push(...protections.mounts);
  return rows.filter(
    ({ target }, i) => i >= rows.length - protections.mounts.length || !isHidden(target, protections),
  );
}

/** Whether a parent is masked, so that nothing can be put there; the mask comes last anyway. */
const isHidden = (target: string, { denied }: Protections): boolean =>
  denied.some((path) => path === target || liesIn(target, path)) && !denied.includes(target);

function bind(path: ShownPath, idmap: boolean): Mount {
  return {
    kind: 'bind',
    source: path.source,
    target: path.target,
    writable: path.writable || path.device,
    devices: path.device,
    kept: path.source !== path.target,
    idmapOwner: idmap && path.writable && !path.device ? path.owner : null,
    origin: path.origin,
  };
}

function device(path: string): Mount {
  return {
    kind: 'bind',
    source: path,
    target: path,
    writable: true,
    devices: true,
    kept: false,
    idmapOwner: null,
    origin: BUILTIN,
  };
}

const privateDirectory = (path: ShownPath): Mount => ({
  kind: 'private',
  target: path.target,
  writable: true,
  mode: path.mode,
  origin: path.origin,
});
