/** Places in a document, as `network_policies.github.endpoints[0].host`. */

const PLAIN_KEY = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_KEY = 64;

export function childPath(path: string, key: string): string {
  if (!PLAIN_KEY.test(key)) return `${path}[${JSON.stringify(key.slice(0, MAX_KEY))}]`;
  return path === '' ? key : `${path}.${key}`;
}

export const itemPath = (path: string, index: number): string => `${path}[${index}]`;
