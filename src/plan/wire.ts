/**
 * The one definition of what passes between the supervisor and the launcher. `tools/gen-wire.mjs` writes the C side
 * (launcher/gen/wire.h) from it; the launcher holds no other knowledge of the format (INV-05).
 *
 * A document is `header, section table, rows, blob`, little-endian. Rows have a fixed size per section and start at
 * multiples of 8; a string is an offset and a length into the blob, where a NUL follows it that its length does not count.
 */

export type FieldType = 'u16' | 'u8' | 'u32' | 'u64' | 'string';
export type Fields = Readonly<Record<string, FieldType>>;

export const DOCUMENT_MAGIC = 0x3150534f; // "OSP1"
/** Bytes; a plan is some tens of kilobytes, arguments and environment are bounded by the kernel's own 2 MiB. */
export const MAX_DOCUMENT = 4 * 1024 * 1024;
/** Bytes of one frame from the warden. */
export const MAX_FRAME = 256 * 1024;

/**
 * Addresses inside. The policy DNS gives out synthetic ones, which only lead anywhere through the warden: IPv4 from the
 * block for benchmarks (RFC 2544), IPv6 from a unique local prefix (RFC 4193). Two of them belong to the sandbox itself,
 * since programs ask for addresses of a family only when the machine has one that is not loopback (AI_ADDRCONFIG).
 */
export const INNER = {
  syntheticV4: { base: '198.18.0.0', prefix: 15 },
  /** The first 64 bits. */
  syntheticV6: { base: 'fd6f:7065:6e73:6865::', prefix: 64 },
  ownV4: '198.18.0.1',
  ownV6: 'fd6f:7065:6e73:6865::1',
  dns: '127.0.0.53',
} as const;

/**
 * Numbers that datagram sockets get in the `platform` tier: they cannot send by themselves, and the filter has the warden
 * do it for these numbers: the first of them below 1024, where select(2) and the usual limit of open files end, the others for
 * programs that have more files open.
 */
export const RELAYED_NUMBERS = { starts: [768, 3840, 16_128, 65_280], count: 256 } as const;

/** Tokens of verdicts that one `keep` may name: what was judged by earlier policies and stays. */
export const MAX_KEPT = 8192;

/** Questions that a row of `notify` can ask. */
export const MAX_QUESTIONS = 3;

/** Section kinds: number in the file, row layout, most rows. */
export const SECTIONS = {
  settings: {
    kind: 1,
    max: 1,
    fields: {
      audit_arch: 'u32',
      namespaces: 'u32',
      inside_uid: 'u32',
      inside_gid: 'u32',
      host_kind: 'u32',
      host_uid: 'u32',
      host_gid: 'u32',
      landlock_abi: 'u32',
      handled_fs: 'u64',
      handled_net: 'u64',
      scoped: 'u64',
      memory_bytes: 'u64',
      cpu_ms: 'u64',
      private_bytes: 'u64',
      hostname: 'string',
      workdir: 'string',
      proxy_port: 'u32',
      /** 1: some endpoint is for datagrams. */
      datagrams: 'u32',
      /** 1: no namespaces; sockets of the workload are made by the warden. */
      platform: 'u32',
      /** 1: nothing of the network is reached but by a judgement. */
      network_held: 'u32',
      /** Processes and threads that the warden counts; 0: RLIMIT_NPROC holds them. */
      processes: 'u32',
      /** The rule by which callers are refused that cannot be looked at. */
      unobservable_rule: 'u32',
    },
  },
  mount: {
    kind: 2,
    max: 4096,
    fields: {
      kind: 'u32',
      flags: 'u32',
      source: 'string',
      target: 'string',
      mode: 'u32',
      owner_uid: 'u32',
      owner_gid: 'u32',
      pad: 'u32',
    },
  },
  landlock: { kind: 3, max: 4096, fields: { path: 'string', access: 'u64' } },
  instruction: { kind: 4, max: 4096, fields: { code: 'u16', jt: 'u8', jf: 'u8', k: 'u32' } },
  notify: {
    kind: 5,
    max: 1024,
    fields: {
      arch: 'u32',
      nr: 'u32',
      handler: 'u32',
      errno_value: 'u32',
      rule: 'u32',
      match: 'u32',
      /** Argument that names a thread (own_thread). */
      thread: 'u32',
      /** Questions about arguments that are asked, all of which must fit. */
      questions: 'u32',
      arg_index: 'u32',
      arg_mask: 'u32',
      arg_value: 'u32',
      arg2_index: 'u32',
      arg2_mask: 'u32',
      arg2_value: 'u32',
      arg3_index: 'u32',
      arg3_mask: 'u32',
      arg3_value: 'u32',
      pad: 'u32',
    },
  },
  rlimit: {
    kind: 6,
    max: 32,
    fields: {
      resource: 'u32',
      /** 1: on top of what the user has at the start. */ above: 'u32',
      soft: 'u64',
      hard: 'u64',
    },
  },
  argument: { kind: 7, max: 65536, fields: { text: 'string' } },
  environment: { kind: 8, max: 65536, fields: { text: 'string' } },
  /** What differs from run to run of one plan: a document of its own, with the arguments and the environment. */
  request: {
    kind: 9,
    max: 1,
    fields: { search_path: 'string', cgroup: 'string', scratch: 'string', flags: 'u32', pad: 'u32' },
  },
} as const satisfies Record<string, { kind: number; max: number; fields: Fields }>;
export type SectionName = keyof typeof SECTIONS;

/** Enumerations that both sides name. */
export const ENUMS = {
  namespace: { user: 1, mount: 2, pid: 4, ipc: 8, uts: 16, cgroup: 32, network: 64 },
  host_kind: { caller: 0, drop: 1, drop_unused: 2 },
  request_flag: { tty: 1 },
  mount_kind: { bind: 0, private: 1, proc: 2, devpts: 3, file: 4, symlink: 5 },
  mount_flag: { writable: 1, devices: 2, idmapped: 4, kept: 8 },
  match: { arch: 1, nr: 2 },
  handler: {
    refuse: 0,
    own_thread: 1,
    connect: 2,
    bind: 3,
    listen: 4,
    epoll: 5,
    interface: 6,
    netlink: 7,
    datagram: 8,
    socket: 9,
    receive: 10,
    signal: 11,
    attributes: 12,
    watch: 13,
  },
  /** Frames, supervisor to warden. */
  command: {
    launch: 1,
    signal: 2,
    verdict: 3,
    kill: 4,
    resize: 5,
    prepare: 6,
    keep: 11,
    datagrams: 9,
    deliver: 10,
  },
  /** Frames, warden to supervisor. */
  report: {
    started: 1,
    failed: 2,
    exited: 3,
    denied: 4,
    open: 5,
    peer: 6,
    limit: 7,
    reused: 8,
    unix: 9,
    sent: 10,
    kept: 11,
  },
  /** What a call that is asked about does: connect(2), or send a datagram to an address that it names. */
  opening: { connect: 0, send: 1 },
  signal_scope: { main: 0, group: 1 },
  verdict: { refuse: 0, local: 1, direct: 2, redirect: 3 },
  executable_flag: { deleted: 1, unreadable: 2, cut: 4 },
  limit: { memory: 1, cpu: 2, processes: 3 },
  /** What the launcher was doing when it failed; docs and messages in src/launch/steps.ts. */
  step: {
    read_plan: 1,
    decode_plan: 2,
    session: 3,
    drop_ids: 4,
    idmap: 5,
    open_source: 6,
    clone: 7,
    id_map: 8,
    hostname: 9,
    loopback: 10,
    proxy_listener: 11,
    new_root: 12,
    mount: 13,
    mount_target: 14,
    pivot: 15,
    pty: 16,
    workdir: 17,
    rlimit: 18,
    capabilities: 19,
    landlock_abi: 20,
    landlock_rule: 21,
    landlock: 22,
    seccomp: 23,
    listener: 24,
    fork: 25,
    exec: 26,
    handle: 27,
    cgroup: 28,
    lost: 29,
    stream: 30,
    stream_terminal: 31,
  },
} as const satisfies Record<string, Readonly<Record<string, number>>>;

const SIZES: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, string: 8 };

/** Bytes of one row; fields are laid out in order and must fall on their natural alignment (a test checks). */
export function rowSize(fields: Fields): number {
  let size = 0;
  for (const type of Object.values(fields)) size += SIZES[type];
  return size;
}

export type Row<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends 'string'
    ? string | Uint8Array
    : F[K] extends 'u64'
      ? bigint | number
      : number;
};
export type Rows = { readonly [S in SectionName]?: readonly Row<(typeof SECTIONS)[S]['fields']>[] };

const HEADER_SIZE = 24;
const SECTION_SIZE = 16;

/** Encodes rows into one document. Throws on a row that does not fit its types: that is a defect of the caller. */
export function encodeDocument(rows: Rows, encodeText: (text: string) => Uint8Array): Uint8Array {
  const names = (Object.keys(SECTIONS) as SectionName[]).filter((name) => (rows[name]?.length ?? 0) > 0);
  const blob = new Blob8(encodeText);
  let offset = HEADER_SIZE + SECTION_SIZE * names.length;
  const table: { kind: number; count: number; size: number; offset: number; name: SectionName }[] = [];
  for (const name of names) {
    offset = (offset + 7) & ~7;
    const size = rowSize(SECTIONS[name].fields);
    const count = rows[name]!.length;
    if (count > SECTIONS[name].max) throw new Error(`internal error: ${count} rows in section ${name}`);
    table.push({ kind: SECTIONS[name].kind, count, size, offset, name });
    offset += size * count;
  }
  const blobOffset = (offset + 7) & ~7;
  const head = new Uint8Array(blobOffset);
  const view = new DataView(head.buffer);
  table.forEach((section, i) => {
    const at = HEADER_SIZE + SECTION_SIZE * i;
    view.setUint32(at, section.kind, true);
    view.setUint32(at + 4, section.count, true);
    view.setUint32(at + 8, section.size, true);
    view.setUint32(at + 12, section.offset, true);
    const fields = Object.entries(SECTIONS[section.name].fields) as [string, FieldType][];
    rows[section.name]!.forEach((row, r) => {
      writeRow(
        view,
        section.offset + r * section.size,
        fields,
        row as Record<string, string | Uint8Array | number | bigint>,
        blob,
      );
    });
  });
  const out = new Uint8Array(blobOffset + blob.length);
  view.setUint32(0, DOCUMENT_MAGIC, true);
  view.setUint32(4, out.length, true);
  view.setUint32(8, names.length, true);
  view.setUint32(12, blobOffset, true);
  view.setUint32(16, blob.length, true);
  out.set(head);
  blob.copyInto(out, blobOffset);
  if (out.length > MAX_DOCUMENT)
    throw new Error(`the plan with its arguments and environment is larger than ${MAX_DOCUMENT} bytes`);
  return out;
}

function writeRow(
  view: DataView,
  start: number,
  fields: readonly [string, FieldType][],
  row: Readonly<Record<string, string | Uint8Array | number | bigint>>,
  blob: Blob8,
): void {
  let at = start;
  for (const [name, type] of fields) {
    const value = row[name]!;
    switch (type) {
      case 'u8':
        view.setUint8(at, value as number);
        break;
      case 'u16':
        view.setUint16(at, value as number, true);
        break;
      case 'u32':
        view.setUint32(at, value as number, true);
        break;
      case 'u64':
        view.setBigUint64(at, BigInt(value as number | bigint), true);
        break;
      case 'string': {
        const text = blob.add(value as string | Uint8Array);
        view.setUint32(at, text.offset, true);
        view.setUint32(at + 4, text.length, true);
        break;
      }
    }
    at += SIZES[type];
  }
}

/** The strings of a document, equal ones once, each with a NUL behind it. */
class Blob8 {
  length = 0;
  readonly #parts: Uint8Array[] = [];
  readonly #known = new Map<string, { offset: number; length: number }>();
  readonly #encodeText: (text: string) => Uint8Array;

  constructor(encodeText: (text: string) => Uint8Array) {
    this.#encodeText = encodeText;
  }

  add(value: string | Uint8Array): { offset: number; length: number } {
    const known = typeof value === 'string' ? this.#known.get(value) : undefined;
    if (known !== undefined) return known;
    const bytes = typeof value === 'string' ? this.#encodeText(value) : value;
    const place = { offset: this.length, length: bytes.length };
    if (typeof value === 'string') this.#known.set(value, place);
    this.#parts.push(bytes);
    this.length += bytes.length + 1;
    return place;
  }

  copyInto(out: Uint8Array, start: number): void {
    let at = start;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length + 1;
    }
  }
}
