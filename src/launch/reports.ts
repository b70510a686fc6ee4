/** Frames from the warden, decoded: a closed union. A frame that does not parse ends the run. */
import { FrameReader } from '../base/bytes.ts';
import { ENUMS } from '../plan/wire.ts';
import { type LaunchFailure, stepName } from './steps.ts';

/** One executable of a process, as the kernel names it at the moment of the call. */
export interface ReportedExecutable {
  readonly path: string;
  readonly pid: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly deleted: boolean;
  readonly unreadable: boolean;
  /** An ancestor without its path: those of nearer ones took all the room of the frame. */
  readonly cut: boolean;
}

export interface ReportedProcess {
  readonly pid: number;
  /** The process's own executable, then its ancestors', nearest first. */
  readonly executables: readonly ReportedExecutable[];
}

export type Report =
  | { readonly kind: 'started'; readonly pid: number; readonly initPid: number; readonly hostUid: number }
  | { readonly kind: 'failed'; readonly failure: LaunchFailure }
  | { readonly kind: 'exited'; readonly code: number; readonly signal: number }
  | {
      readonly kind: 'denied';
      readonly count: number;
      readonly rule: number;
      readonly errno: number;
      readonly auditArch: number;
      readonly nr: number;
      readonly args: readonly bigint[];
      readonly process: ReportedProcess;
    }
  | {
      readonly kind: 'open';
      readonly id: bigint;
      readonly socketType: number;
      /** Whether a datagram is to be sent, else connect(2) was called. */
      readonly sends: boolean;
      /** 4 or 16 bytes, network order. */
      readonly address: Uint8Array;
      readonly port: number;
      readonly process: ReportedProcess;
    }
  /** The local address of a connection to the proxy; port 0: none came of it. */
  | { readonly kind: 'peer'; readonly id: bigint; readonly port: number; readonly address: Uint8Array }
  /** What came of `keepOnly`: connections that were ended, processes that had to be, connections that could not be ended. */
  | {
      readonly kind: 'kept';
      readonly generation: number;
      readonly closed: number;
      readonly killed: number;
      readonly surviving: number;
    }
  /** Connects that the warden allowed by a verdict that it remembered. */
  | { readonly kind: 'reused'; readonly uses: readonly { readonly token: number; readonly pid: number }[] }
  /** A Unix socket that the workload may not connect to; an abstract name starts with NUL. */
  | { readonly kind: 'unix'; readonly path: string; readonly process: ReportedProcess }
  | { readonly kind: 'limit'; readonly limit: CountedLimit; readonly value: bigint }
  /** A datagram of a socket that the warden knows by a port; to an address that was judged. */
  | {
      readonly kind: 'sent';
      readonly localPort: number;
      readonly port: number;
      readonly address: Uint8Array;
      readonly payload: Uint8Array;
    };

export type CountedLimit = keyof typeof ENUMS.limit;

const NO_ROW = 0xffff_ffff_ffff_ffffn;
const MAX_EXECUTABLES = 128;
const MAX_USES = 1024;
const text = new TextDecoder('utf-8', { fatal: false });

/** Throws on a frame that does not parse. */
export function decodeReport(type: number, payload: Uint8Array): Report {
  const reader = new FrameReader(payload);
  const report = decode(type, reader);
  if (!reader.atEnd) throw new Error(`a frame of type ${type} from the launcher is longer than its fields`);
  return report;
}

function decode(type: number, reader: FrameReader): Report {
  switch (type) {
    case ENUMS.report.started:
      return { kind: 'started', pid: reader.u32(), initPid: reader.u32(), hostUid: reader.u32() };
    case ENUMS.report.failed: {
      const step = stepName(reader.u32());
      const errno = reader.u32();
      const row = reader.u64();
      return { kind: 'failed', failure: { step, errno, row: row === NO_ROW ? null : Number(row) } };
    }
    case ENUMS.report.exited:
      return { kind: 'exited', code: reader.u32(), signal: reader.u32() };
    case ENUMS.report.denied:
      return {
        kind: 'denied',
        count: reader.u32(),
        rule: reader.u32(),
        errno: reader.u32(),
        auditArch: reader.u32(),
        nr: reader.u32(),
        args: Array.from({ length: 6 }, () => reader.u64()),
        process: decodeProcess(reader),
      };
    case ENUMS.report.open: {
      const id = reader.u64();
      const sends = reader.u32() === ENUMS.opening.send;
      return {
        kind: 'open',
        id,
        sends,
        socketType: reader.u32(),
        address: addressOf(reader, [4, 16]),
        port: portOf(reader),
        process: decodeProcess(reader),
      };
    }
    case ENUMS.report.peer:
      return {
        kind: 'peer',
        id: reader.u64(),
        port: portOf(reader),
        address: addressOf(reader, [0, 4, 16]),
      };
    case ENUMS.report.reused: {
      const count = reader.u32();
      if (count > MAX_USES) throw new Error('a frame from the launcher reports too many uses');
      return {
        kind: 'reused',
        uses: Array.from({ length: count }, () => ({ token: reader.u32(), pid: reader.u32() })),
      };
    }
    case ENUMS.report.kept:
      return {
        kind: 'kept',
        generation: reader.u32(),
        closed: reader.u32(),
        killed: reader.u32(),
        surviving: reader.u32(),
      };
    case ENUMS.report.unix:
      return { kind: 'unix', path: text.decode(reader.bytes()), process: decodeProcess(reader) };
    case ENUMS.report.limit:
      return {
        kind: 'limit',
        limit: limitName(reader.u32()),
        value: reader.u64(),
      };
    case ENUMS.report.sent:
      return {
        kind: 'sent',
        localPort: portOf(reader),
        port: portOf(reader),
        address: addressOf(reader, [4, 16]),
        payload: reader.bytes().slice(),
      };
    default:
      throw new Error(`a frame of unknown type ${type} from the launcher`);
  }
}

function limitName(number: number): CountedLimit {
  const found = Object.entries(ENUMS.limit).find(([, value]) => value === number)?.[0];
  if (found === undefined) throw new Error(`a frame from the launcher names an unknown limit ${number}`);
  return found as CountedLimit;
}

/** A copy: the frame it stands in would be kept with it. */
function addressOf(reader: FrameReader, lengths: readonly number[]): Uint8Array {
  const bytes = reader.bytes();
  if (!lengths.includes(bytes.length))
    throw new Error(`a frame from the launcher holds an address of ${bytes.length} bytes`);
  return Uint8Array.from(bytes);
}

function portOf(reader: FrameReader): number {
  const port = reader.u32();
  if (port > 65_535) throw new Error(`a frame from the launcher names port ${port}`);
  return port;
}

function decodeProcess(reader: FrameReader): ReportedProcess {
  const pid = reader.u32();
  const count = reader.u32();
  if (count > MAX_EXECUTABLES) throw new Error('a frame from the launcher names too many executables');
  const executables: ReportedExecutable[] = [];
  for (let i = 0; i < count; i += 1) {
    const path = text.decode(reader.bytes());
    const [dev, ino, size, mtimeNs, ctimeNs] = [
      reader.u64(),
      reader.u64(),
      reader.u64(),
      reader.u64(),
      reader.u64(),
    ];
    const owner = reader.u32();
    const flags = reader.u32();
    executables.push({
      path,
      pid: owner,
      dev,
      ino,
      size,
      mtimeNs,
      ctimeNs,
      deleted: (flags & ENUMS.executable_flag.deleted) !== 0,
      unreadable: (flags & ENUMS.executable_flag.unreadable) !== 0,
      cut: (flags & ENUMS.executable_flag.cut) !== 0,
    });
  }
  return { pid, executables };
}
