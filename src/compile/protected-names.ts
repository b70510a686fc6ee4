/**
 * Files below a writable directory that something on the host executes or trusts later: git, the shell, editors,
 * agents. Where they exist they are shown read-only (decisions: read_only / read_write).
 */
import type { Repository } from '../plan/facts.ts';

export const PROTECTED_NAMES = [
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

/**
 * By what git finds settings and hooks (gitrepository-layout(5)). A `.git` file is protected itself: replacing it
 * would move the hooks.
 */
export const REPOSITORY_NAMES: Readonly<Record<Repository['kind'], readonly string[]>> = {
  directory: ['hooks', 'config', 'config.worktree', 'commondir'],
  worktree: ['gitdir', 'commondir', 'config.worktree'],
  file: [],
};
