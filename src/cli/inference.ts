/** `--inference FILE`: routes of inference.local, and in a run the secrets that they name. */
import { dirname, resolve } from 'node:path';
import { renderIssue } from '../base/source.ts';
import type { GivenInference } from '../compile/input.ts';
import type { GivenRoutes } from '../inference/given.ts';
import { readSecrets, secretFiles } from '../inference/read-secrets.ts';
import { parseRoutes } from '../policy/routes/check.ts';
import type { InferenceRoutes } from '../policy/routes/routes.ts';
import { shownText } from '../policy/routes/shown-text.ts';
import { readPolicyFile } from '../session/policy-file.ts';
import { tell } from './output.ts';
import { UsageError } from './usage.ts';

export interface RoutesFile {
  readonly routes: InferenceRoutes;
  /** Where relative paths in it begin. */
  readonly directory: string;
  /** For the plan. */
  readonly given: GivenInference;
}

/** Says what is wrong with the file, if anything is, and throws then. */
export function readRoutes(name: string): RoutesFile {
  const file = readPolicyFile(name, 'file of routes');
  if (!file.ok) throw new UsageError(`--inference: ${file.error}`);
  const { text, path } = file.value;
  const { routes, issues } = parseRoutes(text);
  for (const issue of issues)
    if (issue.severity !== 'note') tell(renderIssue(issue, file.value.name, shownText(text)));
  if (routes === null) throw new UsageError(`--inference ${name}: the file of routes has errors`);
  const directory = path === null ? process.cwd() : dirname(path);
  return {
    routes,
    directory,
    given: {
      routes: routes.routes.map((route) => route.name),
      files: [...(path === null ? [] : [resolve(path)]), ...secretFiles(routes, directory)],
    },
  };
}

export interface TakenRoutes {
  readonly given: GivenRoutes;
  /** Throws when one of these texts, which the workload is given, holds a secret. */
  checkSpent(texts: readonly string[]): void;
}

/** @param environment openshell's own; variables that hold a secret are taken out of it */
export function takeSecrets(
  { routes, directory }: RoutesFile,
  environment: Record<string, string | undefined>,
): TakenRoutes {
  const secrets = readSecrets(routes, environment, directory);
  if (!secrets.ok) throw new UsageError(`--inference: ${secrets.error}`);
  for (const { credential } of routes.routes)
    if (credential?.kind === 'env') delete environment[credential.name];
  return {
    given: { routes, secrets: secrets.value },
    checkSpent: (texts) => {
      // Shorter ones are words that a command may hold by chance.
      for (const [name, secret] of secrets.value)
        if (secret.length >= MIN_SECRET && texts.some((text) => text.includes(secret)))
          throw new UsageError(
            `the credential of the route ${name} stands in the command or the environment of the program too; leave it out there: inference.local adds it`,
          );
    },
  };
}

const MIN_SECRET = 8;
