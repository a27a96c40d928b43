import type { AbortedTransaction } from "./aborted-transactions.ts";
import type { EpochStart } from "./leader-epochs.ts";
import { HASH_WORDS } from "./message-id-table.ts";
import type { MessageIdSnapshot } from "./message-ids.ts";
import type { OpenTransaction } from "./open-transactions.ts";
import type { MarkerOfProducer, ProducerSnapshot } from "./producer-state.ts";
import type { SeenBatch } from "./sequences.ts";

/** All of a checkpoint, or a part of it. */
export interface CheckpointEntries {
  readonly epochs: Iterable<EpochStart>;
  readonly producers: Iterable<ProducerSnapshot>;
  readonly messageIds: Iterable<MessageIdSnapshot>;
  readonly markers: Iterable<MarkerOfProducer>;
  readonly openTransactions: Iterable<OpenTransaction>;
  readonly abortedTransactions: Iterable<AbortedTransaction>;
}

/** How the entries of one kind are written. */
interface EntryKind<T> {
  readonly id: number;
  /** The first format that has this kind. */
  readonly since: number;
  sizeOf(entry: T): number;
  write(view: DataView, at: number, entry: T): void;
  read(view: DataView, at: number): T;
}

type EntryKinds = {
  readonly [Name in keyof CheckpointEntries]: EntryKind<
    CheckpointEntries[Name] extends Iterable<infer T> ? T : never
  >;
};

const PRODUCER_BYTES = 9;
const BATCH_BYTES = 36;

/** In the order in which they are written. */
export const ENTRY_KINDS: EntryKinds = {
  messageIds: {
    ...{ id: 3, since: 3, sizeOf: () => 4 * HASH_WORDS + 16 },
    write(view, at, { words, offset, appendedMs }) {
      for (let i = 0; i < HASH_WORDS; i++) view.setInt32(at + 4 * i, words[i]!);
      view.setFloat64(at + 4 * HASH_WORDS, offset);
      view.setFloat64(at + 4 * HASH_WORDS + 8, appendedMs);
    },
    read(view, at) {
      const words = Array.from({ length: HASH_WORDS }, (_, i) => view.getInt32(at + 4 * i));
      const offset = view.getFloat64(at + 4 * HASH_WORDS);
      return { words, offset, appendedMs: view.getFloat64(at + 4 * HASH_WORDS + 8) };
    },
  },
  epochs: {
    ...{ id: 1, since: 2, sizeOf: () => 12 },
    write(view, at, { epoch, startOffset }) {
      view.setInt32(at, epoch);
      view.setFloat64(at + 4, startOffset);
    },
    read: (view, at) => ({ epoch: view.getInt32(at), startOffset: view.getFloat64(at + 4) }),
  },
  producers: {
    ...{ id: 2, since: 2 },
    sizeOf: ({ batches }) => PRODUCER_BYTES + batches.length * BATCH_BYTES,
    write(view, at, { producerId, batches }) {
      view.setFloat64(at, producerId);
      view.setUint8(at + 8, batches.length);
      for (const [i, batch] of batches.entries()) {
        writeBatch(view, at + PRODUCER_BYTES + i * BATCH_BYTES, batch);
      }
    },
    read(view, at) {
      const batches = Array.from({ length: view.getUint8(at + 8) }, (_, i) => {
        return readBatch(view, at + PRODUCER_BYTES + i * BATCH_BYTES);
      });
      return { producerId: view.getFloat64(at), batches };
    },
  },
  markers: {
    ...{ id: 4, since: 4, sizeOf: () => 32 },
    write(view, at, { producerId, epoch, coordinatorEpoch, offset, timestamp }) {
      view.setFloat64(at, producerId);
      view.setInt32(at + 8, epoch);
      view.setInt32(at + 12, coordinatorEpoch);
      view.setFloat64(at + 16, offset);
      view.setFloat64(at + 24, timestamp);
    },
    read: (view, at) => ({
      producerId: view.getFloat64(at),
      epoch: view.getInt32(at + 8),
      coordinatorEpoch: view.getInt32(at + 12),
      offset: view.getFloat64(at + 16),
      timestamp: view.getFloat64(at + 24),
    }),
  },
  openTransactions: {
    ...{ id: 5, since: 4, sizeOf: () => 16 },
    write(view, at, { producerId, firstOffset }) {
      view.setFloat64(at, producerId);
      view.setFloat64(at + 8, firstOffset);
    },
    read: (view, at) => ({
      producerId: view.getFloat64(at),
      firstOffset: view.getFloat64(at + 8),
    }),
  },
  abortedTransactions: {
    ...{ id: 6, since: 4, sizeOf: () => 32 },
    write(view, at, { producerId, firstOffset, lastOffset, lastStableOffset }) {
      view.setFloat64(at, producerId);
      view.setFloat64(at + 8, firstOffset);
      view.setFloat64(at + 16, lastOffset);
      view.setFloat64(at + 24, lastStableOffset);
    },
    read: (view, at) => ({
      producerId: view.getFloat64(at),
      firstOffset: view.getFloat64(at + 8),
      lastOffset: view.getFloat64(at + 16),
      lastStableOffset: view.getFloat64(at + 24),
    }),
  },
};

function writeBatch(view: DataView, at: number, batch: SeenBatch): void {
  view.setInt32(at, batch.epoch);
  view.setInt32(at + 4, batch.firstSequence);
  view.setInt32(at + 8, batch.lastSequence);
  view.setFloat64(at + 12, batch.baseOffset);
  view.setFloat64(at + 20, batch.lastOffset);
  view.setFloat64(at + 28, batch.timestamp);
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
