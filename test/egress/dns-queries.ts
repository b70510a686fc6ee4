/** DNS queries as bytes, well formed unless told otherwise. */
export interface QueryOptions {
  readonly id?: number;
  readonly flags?: number;
  readonly questions?: number;
  readonly answers?: number;
  readonly additional?: number;
  readonly class?: number;
  readonly tail?: Uint8Array;
}

/** @param name text, or the very bytes of a name */
export function query(name: string | Uint8Array, type: number, options: QueryOptions = {}): Buffer {
  const {
    id = 1,
    flags = 0x0100,
    questions = 1,
    answers = 0,
    additional = 0,
    tail = new Uint8Array(),
  } = options;
  const end = Buffer.alloc(4);
  end.writeUInt16BE(type, 0);
  end.writeUInt16BE(options.class ?? 1, 2);
  const header = Buffer.from(
    Uint16Array.from([id, flags, questions, answers, 0, additional]).buffer,
  ).swap16();
  return Buffer.concat([header, typeof name === 'string' ? nameBytes(name) : name, end, tail]);
}

function nameBytes(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.').map((label) => Buffer.from(label, 'latin1'));
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), label]),
    Buffer.from([0]),
  ]);
}

export interface ReadReply {
  readonly code: number;
  /** As text, in hexadecimal. */
  readonly addresses: readonly string[];
}

/** An answer to a query of one name. */
export function readReply(reply: Uint8Array | null, asked: Uint8Array): ReadReply {
  if (reply === null) throw new Error('no answer');
  const bytes = Buffer.from(reply);
  const addresses: string[] = [];
  let at = asked.length;
  for (let i = 0; i < bytes.readUInt16BE(6); i += 1) {
    const length = bytes.readUInt16BE(at + 10);
    addresses.push(bytes.subarray(at + 12, at + 12 + length).toString('hex'));
    at += 12 + length;
  }
  return { code: bytes.readUInt16BE(2) & 15, addresses };
}
