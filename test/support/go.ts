/** Programs in Go, built from their modules. */
import { existsSync } from 'node:fs';
import { type Installed, installedOnce } from './installed-once.ts';

/** The newest place first, since the toolchain of a distribution is often too old for what is built. Undefined: none. */
const GO = ['/usr/local/go/bin/go', '/usr/bin/go', '/usr/lib/go/bin/go'].find((path) => existsSync(path));

/** @param path of the package, whose last part is the program's name; its `version` as `go install` takes it */
export function builtByGo(path: string, version: string): Promise<Installed> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return installedOnce({
    name,
    version,
    program: name,
    steps: (directory) => [
      { argv: [GO ?? 'go', 'install', `${path}@${version}`], env: { GOBIN: directory, GOFLAGS: '-mod=mod' } },
    ],
  });
}
