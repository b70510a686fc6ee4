/** Connects to checked addresses, and to nothing else: no name is resolved here. */
import { connect, type Socket } from 'node:net';
import { err, ok, type Result } from '../base/result.ts';
import type { Host } from '../match/host.ts';
import type { Candidate } from '../match/verdict.ts';
import type {
  Candidates,
  CheckedDestination,
  DestinationProblem,
  Destinations,
  Target,
} from './destination.ts';
import { EGRESS_LIMITS, type EgressLimits } from './limits.ts';

export interface Dialled {
  /** Connected; both halves close separately. */
  readonly socket: Socket;
  readonly target: Target;
  readonly candidate: Candidate;
  readonly vouched: boolean;
}

export interface Dialer {
  /** Resolves and checks, and does not dial yet. */
  check(
    host: Host,
    port: number,
    candidates: Candidates,
  ): Promise<Result<CheckedDestination, DestinationProblem>>;
  /** Resolves, checks and dials. An aborted signal gives `upstream_unreachable`. */
  dial(
    host: Host,
    port: number,
    candidates: Candidates,
    signal?: AbortSignal,
  ): Promise<Result<Dialled, DestinationProblem>>;
  /** Whether a connection that is already open may stay under other rules. */
  recheck(
    host: Host,
    port: number,
    candidates: Candidates,
    dialled: Dialled,
  ): Result<Candidate, DestinationProblem>;
}

/** Begins a connection to an address; tests put sockets here that never connect. */
export type StartConnection = (target: Target) => Socket;

export function createDialer(
  destinations: Destinations,
  limits: EgressLimits = EGRESS_LIMITS,
  start: StartConnection = startConnection,
): Dialer {
  return {
    check: (host, port, candidates) => destinations.resolve(host, port, candidates),
    async dial(host, port, candidates, signal) {
      const checked = await destinations.resolve(host, port, candidates);
      if (!checked.ok) return checked;
      const { candidate, vouched } = checked.value;
      const dialled = await dialAddresses(checked.value, limits, signal, start);
      if (dialled.ok) return ok({ ...dialled.value, candidate, vouched });
      const detail = `no connection to ${host.text}:${port}: ${dialled.error}`;
      return err({ reason: 'upstream_unreachable', detail, candidate, address: null });
    },
    recheck(host, port, candidates, { target, vouched }) {
      return vouched ? ok(candidates[0]) : destinations.choose(host, port, candidates, [target.address]);
    },
  };
}

/**
 * Tries the addresses one after the other, the next one when the last failed or has not answered for a moment
 * (after RFC 8305, families taking turns). The first that connects wins; the others are closed.
 */
export function dialAddresses(
  destination: Pick<CheckedDestination, 'targets'>,
  limits: EgressLimits = EGRESS_LIMITS,
  signal?: AbortSignal,
  start: StartConnection = startConnection,
): Promise<Result<{ readonly socket: Socket; readonly target: Target }, string>> {
  const waiting = interleaved(destination.targets).slice(0, limits.addresses);
  const open = new Map<Socket, Target>();
  const failures: string[] = [];
  return new Promise((resolve) => {
    let stagger: NodeJS.Timeout | undefined;
    const finish = (result: Result<{ socket: Socket; target: Target }, string>): void => {
      clearTimeout(stagger);
      clearTimeout(overall);
      signal?.removeEventListener('abort', abort);
      waiting.length = 0;
      for (const socket of open.keys()) if (!result.ok || socket !== result.value.socket) socket.destroy();
      open.clear();
      resolve(result);
    };
    const abort = (): void => finish(err('the caller went away'));
    const overall = setTimeout(() => finish(err(`no answer within ${limits.dialMs} ms`)), limits.dialMs);
    const next = (): void => {
      clearTimeout(stagger);
      const target = waiting.shift();
      if (target === undefined) {
        if (open.size === 0) finish(err(failures.slice(0, 3).join(', ')));
        return;
      }
      const socket = start(target);
      open.set(socket, target);
      socket.once('connect', () => {
        if (open.has(socket)) finish(ok({ socket, target }));
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (!open.delete(socket)) return;
        failures.push(`${error.code ?? 'error'} at ${target.address.text}`);
        next();
      });
      stagger = setTimeout(next, limits.staggerMs);
    };
    signal?.addEventListener('abort', abort);
    if (signal?.aborted === true) abort();
    else next();
  });
}

function startConnection({ address, port }: Target): Socket {
  return connect({
    host: address.text,
    port,
    family: address.family,
    autoSelectFamily: false,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    // An address needs no lookup; should one ever be asked for, it fails.
    lookup: (name, _options, done) => done(new Error(`refusing to resolve \`${name}\` while dialling`), []),
  });
}

/** Families take turns, each in its own order, beginning with the first. */
function interleaved(targets: readonly Target[]): Target[] {
  const first = targets[0]?.address.family;
  const same = targets.filter(({ address }) => address.family === first);
  const other = targets.filter(({ address }) => address.family !== first);
  const longer = Math.max(same.length, other.length);
  return Array.from({ length: longer }, (_, i) => [same[i], other[i]])
    .flat()
    .filter((target) => target !== undefined);
}
