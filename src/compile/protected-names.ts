/**
 * Files below a writable directory that something on the host executes or trusts later: git, the shell, editors,
 * agents. Where they exist they are shown read-only (decisions: read_only / read_write).
 */
export const PROTECTED_NAMES = [
  '.git/hooks',
  '.git/config',
  '.envrc',
  '.vscode',
  '.mcp.json',
  '.claude',
  '.bashrc',
  '.bash_profile',
  '.bash_login',
  '.bash_logout',
  '.profile',
  '.zshrc',
  '.zshenv',
  '.zprofile',
  '.zlogin',
  '.zlogout',
  '.kshrc',
  '.cshrc',
  '.tcshrc',
  '.login',
  '.xprofile',
  '.xinitrc',
  '.inputrc',
  '.config/fish/config.fish',
] as const;

/** In a linked worktree or submodule `.git` is a file that names the repository: replacing it would move the hooks. */
export const GIT_FILE = '.git';
