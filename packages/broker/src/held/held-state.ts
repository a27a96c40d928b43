import {
  type BatchHeader,
  type PlainRecords,
  RecordFormatError,
  RecordWalk,
} from "@tarpan/protocol";
import { hashId, idHash } from "./id-hash.ts";
import {
  type Delivery,
  type DeliveryName,
  decodeHeldRecord,
  type HeldRecord,
  type MessageRef,
} from "./records.ts";
import { WaitingMessages } from "./waiting-messages.ts";

/** On a message that was written again at the end of its log: its offset before, in decimals. */
export const MOVED_FROM_HEADER = "tarpan-moved-from";
const MOVED_FROM = new TextEncoder().encode(MOVED_FROM_HEADER);

/** When the current record of the walk is due, wall clock, ms. */
export type DueMs = (walk: RecordWalk, appendedMs: number) => number;

/** A delivery that was decided on and is not over, with the offset of its record. */
export interface OpenDelivery extends Delivery {
  readonly recordOffset: number;
}

/**
 * What a log of held messages says: those that wait, and those on their way. Each record is applied
 * once, in the order of the log, on the broker that leads and on one that takes over.
 *
 * 1. A message waits from its record on until a later record cancels, replaces or takes it.
 * 2. A delivery takes the messages it names that wait at that point of the log, and no others.
 * 3. A partition has at most one open delivery. One that would be a second is void: its messages
 *    still wait.
 */
export class HeldState {
  readonly waiting = new WaitingMessages();
  /** By `placeKey`. */
  readonly open = new Map<string, OpenDelivery>();
  /** Records of moved messages that no longer waited then: a `forgotten` has to follow. */
  readonly toForget = new Map<number, MessageRef>();
  /** Offsets of records by administrators whose message still waited. */
  readonly inTime = new Set<number>();
  readonly #dueMs: DueMs;
  /** Where the log began when it was read. What is moved from before that is not known here. */
  readonly #firstOffset: number;
  readonly #walk = new RecordWalk();

  constructor(firstOffset: number, dueMs: DueMs) {
    this.#firstOffset = firstOffset;
    this.#dueMs = dueMs;
  }

  /** The lowest offset that is still needed; `end` when none is. */
  lowestNeeded(end: number): number {
    let lowest = this.lowestOpen(end);
    this.waiting.forEach((_, offset) => {
      if (offset < lowest) lowest = offset;
    });
    return lowest;
  }

  /** The lowest offset that deliveries need which are not over; `end` when there is none. */
  lowestOpen(end: number): number {
    let lowest = end;
    for (const { recordOffset, messages } of this.open.values()) {
      lowest = Math.min(lowest, recordOffset);
      for (const { offset } of messages) lowest = Math.min(lowest, offset);
    }
    return lowest;
  }

  /** Applies the records of one batch. Throws RecordFormatError or ProtocolError. */
  apply(header: BatchHeader, { bytes, start, end }: PlainRecords): void {
    const walk = this.#walk;
    walk.begin(bytes, start, end, header.recordCount);
    while (walk.next()) {
      const offset = header.baseOffset + walk.offsetDelta;
      if (walk.keyStart < 0) this.#applyOwn(walk.decode(header).value, offset);
      else this.#applyMessage(offset, header.maxTimestamp);
    }
  }

  #applyMessage(offset: number, appendedMs: number): void {
    const walk = this.#walk;
    hashId(walk.bytes.subarray(walk.keyStart, walk.keyEnd));
    const entry = this.waiting.find(idHash);
    const movedFrom = walk.header(MOVED_FROM);
    if (movedFrom !== null) {
      const from = Number(Buffer.from(movedFrom).toString("latin1"));
      if (entry >= 0 && this.waiting.offsetOf(entry) === from) this.waiting.move(entry, offset);
      else if (from >= this.#firstOffset) {
        this.toForget.set(offset, { offset, word0: idHash[0]!, word1: idHash[1]! });
      } else if (entry < 0) this.#add(offset, appendedMs);
      return;
    }
    if (entry >= 0) this.waiting.remove(entry);
    if (!walk.isTombstone) this.#add(offset, appendedMs);
  }

  #add(offset: number, appendedMs: number): void {
    this.waiting.add(idHash, offset, this.#dueMs(this.#walk, appendedMs));
  }

  #applyOwn(value: Uint8Array | null, offset: number): void {
    if (value === null) throw new RecordFormatError("a record without key and value");
    const record = decodeHeldRecord(value);
    if (record !== null) this.#applyRecord(record, offset);
  }

  #applyRecord(record: HeldRecord, offset: number): void {
    switch (record.kind) {
      case "delivery":
        this.#take(record, offset);
        return;
      case "delivered":
        this.#close(record);
        return;
      case "returned":
        for (const message of this.#close(record)?.messages ?? []) this.#waitAgain(message);
        return;
      case "forgotten": {
        this.toForget.delete(record.offset);
        const entry = this.waiting.findAt(record.offset, record.word0);
        if (entry >= 0) this.waiting.remove(entry);
        return;
      }
      case "cancelled":
      case "hurried": {
        const entry = this.waiting.findAt(record.offset, record.word0);
        if (entry < 0) return;
        this.inTime.add(offset);
        if (record.kind === "cancelled") this.waiting.remove(entry);
        else this.waiting.putBack(entry, 0);
      }
    }
  }

  #take(delivery: Delivery, recordOffset: number): void {
    const key = placeKey(delivery);
    if (this.open.has(key)) return;
    const messages = delivery.messages.filter(({ offset, word0 }) => {
      const entry = this.waiting.findAt(offset, word0);
      if (entry >= 0) this.waiting.remove(entry);
      return entry >= 0;
    });
    if (messages.length > 0) this.open.set(key, { ...delivery, messages, recordOffset });
  }

  #close(name: DeliveryName): OpenDelivery | null {
    const key = placeKey(name);
    const delivery = this.open.get(key);
    const isIt =
      delivery?.producerId === name.producerId && delivery.firstSequence === name.firstSequence;
    if (!isIt) return null;
    this.open.delete(key);
    return delivery;
  }

  /** It is due at once: its time had come when it was taken. */
  #waitAgain({ offset, word0, word1 }: MessageRef): void {
    const words = [word0, word1];
    if (this.waiting.find(words) < 0) this.waiting.add(words, offset, 0);
  }
}

export function placeKey({ topicId, partition }: Pick<Delivery, "topicId" | "partition">): string {
  return `${topicId}-${partition}`;
}
