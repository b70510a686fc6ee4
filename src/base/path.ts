/** Absolute paths as text: nothing here looks at a disk. */

/** Without repeated or trailing slashes and `.` components; `..` is kept, since only a disk knows where it leads. */
export function cleanPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return (path.startsWith('/') ? '/' : '') + parts.join('/');
}

/** Whether `path` is `directory` or lies below it; both clean. */
export const liesIn = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);

/** The directory that holds a clean path; `/` for `/`. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at <= 0 ? '/' : path.slice(0, at);
}

export const joinPath = (directory: string, name: string): string =>
  directory === '/' ? `/${name}` : `${directory}/${name}`;

/** The directories strictly between `top` and `path`, outermost first; both clean, `path` below `top`. */
export function directoriesBetween(top: string, path: string): string[] {
  const found: string[] = [];
  for (let at = parentOf(path); at !== top && liesIn(at, top); at = parentOf(at)) found.unshift(at);
  return found;
}

/** Parents before children, else by text: the order in which mounts can be made. */
export const byDepth = (a: string, b: string): number =>
  a.split('/').length - b.split('/').length || (a < b ? -1 : a > b ? 1 : 0);
