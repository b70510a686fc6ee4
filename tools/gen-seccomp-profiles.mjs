// Writes test/containers/profiles/*.json: the default seccomp profiles of container engines, as the engine hands them to
// the OCI runtime for a container without capabilities on x86_64. They are facts that are checked in; this is run by hand
// when a new version is wanted, and needs what CI does not: a Debian archive, Go and its module proxy.
//   apt-get download golang-github-containers-common golang-github-docker-docker-dev
//   dpkg -x each of them into a directory of its own, then:
//   node tools/gen-seccomp-profiles.mjs common DIRECTORY VERSION   usr/share/containers/seccomp.json (CRI-O, podman)
//   node tools/gen-seccomp-profiles.mjs moby20 DIRECTORY VERSION   profiles/seccomp/default.json (Docker, containerd 1.6)
//   node tools/gen-seccomp-profiles.mjs ctrd24 VERSION             Go module containerd/v2, contrib/seccomp
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TARGET = fileURLToPath(new URL('../test/containers/profiles', import.meta.url));
/** The profiles ask for 4.8 at most, and Landlock needs 5.13. */
const OLDEST_KERNEL = [5, 13];

const DEBIAN = {
  common: { package: 'golang-github-containers-common', path: 'usr/share/containers/seccomp.json' },
  moby20: {
    package: 'golang-github-docker-docker-dev',
    path: 'usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json',
  },
};
const CONTAINERD = 'github.com/containerd/containerd/v2';

/** What an engine does with the format that it shares with Docker: settles every condition. */
function flattened({ defaultAction, defaultErrnoRet, archMap, syscalls }) {
  const { architecture, subArchitectures } = archMap.find((one) => one.architecture === 'SCMP_ARCH_X86_64');
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: [architecture, ...subArchitectures],
    syscalls: syscalls.filter(holds).map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      ...(args?.length > 0 ? { args } : {}),
    })),
  };
}

/** Whether a rule holds on amd64, without capabilities, on any kernel that openshell runs on. */
function holds({ includes = {}, excludes = {} }) {
  for (const key of [...Object.keys(includes), ...Object.keys(excludes)])
    if (!['arches', 'caps', 'minKernel'].includes(key))
      throw new Error(`a condition that nobody knows: ${key}`);
  const newEnough = ({ minKernel }) => {
    const [major, minor] = minKernel.split('.').map(Number);
    return major < OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor <= OLDEST_KERNEL[1]);
  };
  if (includes.arches?.length > 0 && !includes.arches.includes('amd64')) return false;
  if (includes.caps?.length > 0) return false;
  if (includes.minKernel && !newEnough(includes)) return false;
  return !excludes.arches?.includes('amd64') && !(excludes.minKernel && newEnough(excludes));
}

const PROGRAM = `package main

import (
	"encoding/json"
	"os"

	"${CONTAINERD}/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func main() {
	without := &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{}}}
	json.NewEncoder(os.Stdout).Encode(seccomp.DefaultProfile(without))
}
`;

/** The profile of containerd is Go code, which looks at the machine it runs on. */
function fromContainerd(version) {
  if (process.arch !== 'x64')
    throw new Error(`this machine is ${process.arch}, and the profile is for x86_64`);
  const directory = mkdtempSync(join(tmpdir(), 'seccomp-profile-'));
  try {
    writeFileSync(join(directory, 'main.go'), PROGRAM);
    const go = (...args) => execFileSync('go', args, { cwd: directory, encoding: 'utf8' });
    go('mod', 'init', 'profile');
    go('get', `${CONTAINERD}/contrib/seccomp@${version}`);
    const seccomp = JSON.parse(go('run', '-mod=mod', '.'));
    return { source: `Go module ${CONTAINERD}, contrib/seccomp, DefaultProfile`, version, seccomp };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function fromDebian({ package: name, path }, directory, version) {
  const text = readFileSync(join(directory, path), 'utf8');
  return { source: `Debian package ${name}, /${path}`, version, seccomp: flattened(JSON.parse(text)) };
}

const [name, ...rest] = process.argv.slice(2);
const { source, version, seccomp } =
  name === 'ctrd24' ? fromContainerd(...rest) : fromDebian(DEBIAN[name], ...rest);
const text = JSON.stringify({ source, version, license: 'Apache-2.0', seccomp }, null, 1)
  // Names side by side: a line for each would be pages.
  .replace(/"names": \[[^\]]*\]/g, (names) => names.replace(/\n\s*/g, ' '));
writeFileSync(join(TARGET, `${name}.json`), `${text}\n`);
