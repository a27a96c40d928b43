import { crc32c } from "@tarpan/codecs";
import { viewOf } from "@tarpan/protocol";
import type { EpochStart } from "./leader-epochs.ts";
import { ENTRIES_PER_CHUNK } from "./limits.ts";
import { HASH_WORDS } from "./message-id-table.ts";
import type { MessageIdSnapshot } from "./message-ids.ts";
import type { ProducerSnapshot, SeenBatch } from "./producer-states.ts";

// The format of a partition's checkpoint: its producers, leader epochs and message ids, saved
// beside the log so that opening need not scan the whole log.
//
// It begins with magic and format, followed by chunks. A chunk is the length of its body, the
// body's CRC32C, and the body: a kind, the number of entries, the entries. The last chunk has no
// entries; it proves that nothing was cut off. Each chunk is encoded and decoded in a turn of the
// event loop of its own.

/** A part of a checkpoint. */
export interface CheckpointSlice {
  readonly producers: readonly ProducerSnapshot[];
  readonly epochs: readonly EpochStart[];
  readonly messageIds: readonly MessageIdSnapshot[];
}

export interface PartitionCheckpoint {
  readonly producers: Iterable<ProducerSnapshot>;
  readonly epochs: Iterable<EpochStart>;
  readonly messageIds: Iterable<MessageIdSnapshot>;
}

/** The bytes can't be used: the log is then scanned from its start. */
export class UnusableCheckpoint extends Error {}

const MAGIC = 0x54_50_50_43;
/** The format of a partition that remembers no message ids: earlier releases read it, too. */
const WITHOUT_IDS = 2;
const FORMAT = 3;
const HEAD_BYTES = 8;
const CHUNK_HEAD_BYTES = 8;
const BODY_HEAD_BYTES = 5;
const Kind = { end: 0, epochs: 1, producers: 2, messageIds: 3 } as const;
const EPOCH_BYTES = 12;
const PRODUCER_BYTES = 9;
const BATCH_BYTES = 36;
const MESSAGE_ID_BYTES = 4 * HASH_WORDS + 16;

/** Yields the slices of a checkpoint's bytes. */
export function* encodeCheckpoint(checkpoint: PartitionCheckpoint): Generator<Uint8Array> {
  const groups = groupsOf(checkpoint.messageIds);
  const firstIds = groups.next().value;
  const head = new Uint8Array(HEAD_BYTES);
  viewOf(head).setUint32(0, MAGIC);
  viewOf(head).setUint32(4, firstIds === undefined ? WITHOUT_IDS : FORMAT);
  yield head;
  if (firstIds !== undefined) yield messageIdsChunk(firstIds);
  for (const entries of groups) yield messageIdsChunk(entries);
  for (const entries of groupsOf(checkpoint.epochs)) yield epochsChunk(entries);
  for (const entries of groupsOf(checkpoint.producers)) yield producersChunk(entries);
  yield chunk(Kind.end, 0, 0, () => {});
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
  if (format !== FORMAT && format !== WITHOUT_IDS)
    throw new UnusableCheckpoint("its format is unknown");
  for (let at = HEAD_BYTES; at + CHUNK_HEAD_BYTES <= bytes.byteLength; ) {
    const bodyAt = at + CHUNK_HEAD_BYTES;
    const bodyBytes = view.getUint32(at);
    const body = bytes.subarray(bodyAt, bodyAt + bodyBytes);
    const isWhole = bodyBytes >= BODY_HEAD_BYTES && body.byteLength === bodyBytes;
    if (!isWhole || crc32c(body) !== view.getUint32(at + 4)) {
      throw new UnusableCheckpoint("it is damaged");
    }
    if (body[0] === Kind.end) return;
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
    if (value.format === 1) return { producers, epochs, messageIds: [] };
  } catch (error) {
    throw new UnusableCheckpoint("it is damaged", { cause: error });
  }
  throw new UnusableCheckpoint("its format is unknown");
}

function* groupsOf<T>(entries: Iterable<T>): Generator<readonly T[]> {
  let group: T[] = [];
  for (const entry of entries) {
    group.push(entry);
    if (group.length < ENTRIES_PER_CHUNK) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
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

function epochsChunk(epochs: readonly EpochStart[]): Uint8Array {
  return chunk(Kind.epochs, epochs.length, epochs.length * EPOCH_BYTES, (view, from) => {
    let at = from;
    for (const { epoch, startOffset } of epochs) {
      view.setInt32(at, epoch);
      view.setFloat64(at + 4, startOffset);
      at += EPOCH_BYTES;
    }
  });
}

function producersChunk(producers: readonly ProducerSnapshot[]): Uint8Array {
  let sizeBytes = 0;
  for (const { batches } of producers) sizeBytes += PRODUCER_BYTES + batches.length * BATCH_BYTES;
  return chunk(Kind.producers, producers.length, sizeBytes, (view, from) => {
    let at = from;
    for (const { producerId, batches } of producers) {
      view.setFloat64(at, producerId);
      view.setUint8(at + 8, batches.length);
      at += PRODUCER_BYTES;
      for (const batch of batches) at = writeBatch(view, at, batch);
    }
  });
}

function messageIdsChunk(entries: readonly MessageIdSnapshot[]): Uint8Array {
  const sizeBytes = entries.length * MESSAGE_ID_BYTES;
  return chunk(Kind.messageIds, entries.length, sizeBytes, (view, from) => {
    let at = from;
    for (const { words, offset, appendedMs } of entries) {
      for (let i = 0; i < HASH_WORDS; i++) view.setInt32(at + 4 * i, words[i]!);
      view.setFloat64(at + 4 * HASH_WORDS, offset);
      view.setFloat64(at + 4 * HASH_WORDS + 8, appendedMs);
      at += MESSAGE_ID_BYTES;
    }
  });
}

function writeBatch(view: DataView, at: number, batch: SeenBatch): number {
  view.setInt32(at, batch.epoch);
  view.setInt32(at + 4, batch.firstSequence);
  view.setInt32(at + 8, batch.lastSequence);
  view.setFloat64(at + 12, batch.baseOffset);
  view.setFloat64(at + 20, batch.lastOffset);
  view.setFloat64(at + 28, batch.timestamp);
  return at + BATCH_BYTES;
}

function decodeBody(body: Uint8Array): CheckpointSlice {
  const view = viewOf(body);
  const count = view.getUint32(1);
  const producers: ProducerSnapshot[] = [];
  const epochs: EpochStart[] = [];
  const messageIds: MessageIdSnapshot[] = [];
  let at = BODY_HEAD_BYTES;
  if (body[0] === Kind.epochs) {
    for (let i = 0; i < count; i++, at += EPOCH_BYTES) {
      epochs.push({ epoch: view.getInt32(at), startOffset: view.getFloat64(at + 4) });
    }
    return { producers, epochs, messageIds };
  }
  if (body[0] === Kind.messageIds) {
    for (let i = 0; i < count; i++, at += MESSAGE_ID_BYTES)
      messageIds.push(readMessageId(view, at));
    return { producers, epochs, messageIds };
  }
  // The only other kind is producers: a new kind would get a new format number.
  for (let i = 0; i < count; i++) {
    const producerId = view.getFloat64(at);
    const batches: SeenBatch[] = new Array(view.getUint8(at + 8));
    at += PRODUCER_BYTES;
    for (let n = 0; n < batches.length; n++, at += BATCH_BYTES) batches[n] = readBatch(view, at);
    producers.push({ producerId, batches });
  }
  return { producers, epochs, messageIds };
}

function readMessageId(view: DataView, at: number): MessageIdSnapshot {
  const words = Array.from({ length: HASH_WORDS }, (_, i) => view.getInt32(at + 4 * i));
  const offset = view.getFloat64(at + 4 * HASH_WORDS);
  return { words, offset, appendedMs: view.getFloat64(at + 4 * HASH_WORDS + 8) };
}

function readBatch(view: DataView, at: number): SeenBatch {
  return {
    epoch: view.getInt32(at),
    firstSequence: view.getInt32(at + 4),
    lastSequence: view.getInt32(at + 8),
    baseOffset: view.getFloat64(at + 12),
    lastOffset: view.getFloat64(at + 20),
    timestamp: view.getFloat64(at + 28),
  };
}
