import { crc32c } from "@tarpan/codecs";
import { viewOf } from "@tarpan/protocol";
import { type CheckpointEntries, ENTRY_KINDS } from "./checkpoint-entries.ts";
import { ENTRIES_PER_CHUNK } from "./limits.ts";

// The format of a partition's checkpoint: its producers, transactions, leader epochs and message
// ids, saved beside the log so that opening need not scan the whole log.
//
// It begins with magic and format, followed by chunks. A chunk is the length of its body, the
// body's CRC32C, and the body: a kind, the number of entries, the entries. The last chunk has no
// entries; it proves that nothing was cut off. Each chunk is encoded and decoded in a turn of the
// event loop of its own. The format number is the lowest that has all kinds that are used, so that
// earlier releases can read it too.

/** The bytes can't be used: the log is then scanned from its start. */
export class UnusableCheckpoint extends Error {}

/** A part of a checkpoint. */
export type CheckpointSlice = {
  readonly [Name in keyof CheckpointEntries]: readonly EntryOf<Name>[];
};

type KindName = keyof CheckpointEntries;
type EntryOf<Name extends KindName> = ReturnType<(typeof ENTRY_KINDS)[Name]["read"]>;

const MAGIC = 0x54_50_50_43;
const OLDEST_FORMAT = 2;
const NEWEST_FORMAT = 4;
const HEAD_BYTES = 8;
const CHUNK_HEAD_BYTES = 8;
const BODY_HEAD_BYTES = 5;
const END = 0;
const NAMES = Object.keys(ENTRY_KINDS) as KindName[];

/** Yields the slices of a checkpoint's bytes. */
export function* encodeCheckpoint(checkpoint: CheckpointEntries): Generator<Uint8Array> {
  let format = OLDEST_FORMAT;
  const first: Uint8Array[] = [];
  const rest: Generator<Uint8Array>[] = [];
  for (const name of NAMES) {
    const chunks = chunksOf(name, checkpoint);
    const { value, done } = chunks.next();
    if (done) continue;
    format = Math.max(format, ENTRY_KINDS[name].since);
    first.push(value);
    rest.push(chunks);
  }
  const head = new Uint8Array(HEAD_BYTES);
  viewOf(head).setUint32(0, MAGIC);
  viewOf(head).setUint32(4, format);
  yield head;
  for (const [i, chunks] of rest.entries()) {
    yield first[i]!;
    yield* chunks;
  }
  yield chunk(END, 0, 0, () => {});
}

/** May throw UnusableCheckpoint after some slices; these must then not be used either. */
export function* decodeCheckpoint(bytes: Uint8Array): Generator<CheckpointSlice> {
  if (bytes[0] === "{".charCodeAt(0)) {
    yield decodeJson(bytes);
    return;
  }
  const view = viewOf(bytes);
  const format =
    bytes.byteLength >= HEAD_BYTES && view.getUint32(0) === MAGIC ? view.getUint32(4) : 0;
  if (format < OLDEST_FORMAT || format > NEWEST_FORMAT)
    throw new UnusableCheckpoint("its format is unknown");
  for (let at = HEAD_BYTES; at + CHUNK_HEAD_BYTES <= bytes.byteLength; ) {
    const bodyAt = at + CHUNK_HEAD_BYTES;
    const bodyBytes = view.getUint32(at);
    const body = bytes.subarray(bodyAt, bodyAt + bodyBytes);
    const isWhole = bodyBytes >= BODY_HEAD_BYTES && body.byteLength === bodyBytes;
    if (!isWhole || crc32c(body) !== view.getUint32(at + 4)) {
      throw new UnusableCheckpoint("it is damaged");
    }
    if (body[0] === END) return;
    yield decodeBody(body);
    at = bodyAt + body.byteLength;
  }
  throw new UnusableCheckpoint("its end is missing");
}

/** The JSON format of earlier releases. */
function decodeJson(bytes: Uint8Array): CheckpointSlice {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as CheckpointSlice & {
      format: number;
    };
    const { producers, epochs } = value;
    if (value.format === 1) return { ...NOTHING, producers, epochs };
  } catch (error) {
    throw new UnusableCheckpoint("it is damaged", { cause: error });
  }
  throw new UnusableCheckpoint("its format is unknown");
}

function* chunksOf<Name extends KindName>(
  name: Name,
  checkpoint: CheckpointEntries,
): Generator<Uint8Array, undefined> {
  const entries = checkpoint[name] as Iterable<EntryOf<Name>>;
  let group: EntryOf<Name>[] = [];
  for (const entry of entries) {
    group.push(entry);
    if (group.length < ENTRIES_PER_CHUNK) continue;
    yield entriesChunk(name, group);
    group = [];
  }
  if (group.length > 0) yield entriesChunk(name, group);
}

function entriesChunk<Name extends KindName>(name: Name, entries: readonly EntryOf<Name>[]) {
  const kind = kindOf(name);
  let sizeBytes = 0;
  for (const entry of entries) sizeBytes += kind.sizeOf(entry);
  return chunk(kind.id, entries.length, sizeBytes, (view, from) => {
    let at = from;
    for (const entry of entries) {
      kind.write(view, at, entry);
      at += kind.sizeOf(entry);
    }
  });
}

function chunk(
  kind: number,
  count: number,
  entriesBytes: number,
  write: (view: DataView, at: number) => void,
): Uint8Array {
  const bytes = new Uint8Array(CHUNK_HEAD_BYTES + BODY_HEAD_BYTES + entriesBytes);
  const view = viewOf(bytes);
  view.setUint8(CHUNK_HEAD_BYTES, kind);
  view.setUint32(CHUNK_HEAD_BYTES + 1, count);
  write(view, CHUNK_HEAD_BYTES + BODY_HEAD_BYTES);
  view.setUint32(0, bytes.byteLength - CHUNK_HEAD_BYTES);
  view.setUint32(4, crc32c(bytes.subarray(CHUNK_HEAD_BYTES)));
  return bytes;
}

function decodeBody(body: Uint8Array): CheckpointSlice {
  const view = viewOf(body);
  // A new kind would get a new format number.
  const name = NAMES.find((one) => ENTRY_KINDS[one].id === body[0])!;
  return { ...NOTHING, [name]: readEntries(name, view) };
}

function readEntries<Name extends KindName>(name: Name, view: DataView): EntryOf<Name>[] {
  const kind = kindOf(name);
  const entries: EntryOf<Name>[] = new Array(view.getUint32(1));
  let at = BODY_HEAD_BYTES;
  for (let i = 0; i < entries.length; i++) {
    entries[i] = kind.read(view, at);
    at += kind.sizeOf(entries[i]!);
  }
  return entries;
}

/** The kind, with the type that belongs to its name. */
function kindOf<Name extends KindName>(name: Name) {
  return ENTRY_KINDS[name] as unknown as {
    readonly id: number;
    sizeOf(entry: EntryOf<Name>): number;
    write(view: DataView, at: number, entry: EntryOf<Name>): void;
    read(view: DataView, at: number): EntryOf<Name>;
  };
}

const NOTHING: CheckpointSlice = {
  epochs: [],
  producers: [],
  messageIds: [],
  markers: [],
  openTransactions: [],
  abortedTransactions: [],
};
