import {
  type BatchHeader,
  type PlainRecords,
  RecordFormatError,
  RecordWalk,
} from "@tarpan/protocol";
import { HeldCounts } from "./counts.ts";
import { HeldHeader } from "./headers.ts";
import { idHash, wordsWithoutId } from "./id-hash.ts";
import { COMMITTED, isResolved, rolledBackAfter } from "./progress.ts";
import {
  type Delivery,
  type DeliveryName,
  decodeHeldRecord,
  type HeldRecord,
  type MessageRef,
  type TakenRef,
} from "./records.ts";
import type { RecordRules } from "./rules.ts";
import { WaitingMessages } from "./waiting-messages.ts";

const MOVED_FROM = new TextEncoder().encode(HeldHeader.movedFrom);

/** The time of a message while its check is on its way: it has none until that is delivered. */
export const ASKED_MS = Number.MAX_SAFE_INTEGER - 1;

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
 *
 * For messages that need a resolution also:
 *
 * 4. What was decided by a progress that the message no longer has is void. So a check or a dead
 *    letter that was decided on when a resolution came is not sent.
 * 5. The first resolution counts. It frees the id: later ones do not find the message.
 * 6. A check is a delivery whose messages go on waiting. They are not due before it is over.
 */
export class HeldState {
  readonly waiting = new WaitingMessages();
  /** By `placeKey`. */
  readonly open = new Map<string, OpenDelivery>();
  /** Records of moved messages that no longer waited then: a `forgotten` has to follow. */
  readonly toForget = new Map<number, MessageRef>();
  /** Offsets of records by administrators whose message still waited. */
  readonly inTime = new Set<number>();
  counts = new HeldCounts();
  /** A message that waits has another offset now. */
  onMoved: (from: number, to: number) => void = () => {};
  /** Of the last resolution that found no message. */
  ignoredOffset = -1;
  readonly #rules: RecordRules;
  /** Where the log began when it was read. What is moved from before that is not known here. */
  readonly #firstOffset: number;
  readonly #walk = new RecordWalk();

  constructor(firstOffset: number, rules: RecordRules) {
    this.#firstOffset = firstOffset;
    this.#rules = rules;
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
    this.#rules.hash(walk);
    const movedFrom = walk.header(MOVED_FROM);
    if (movedFrom !== null) {
      this.#applyMoved(Number(Buffer.from(movedFrom).toString("latin1")), offset, appendedMs);
      return;
    }
    const entry = this.waiting.find(idHash);
    switch (this.#rules.effect(walk)) {
      case "holds":
        if (entry >= 0) this.waiting.remove(entry);
        this.#add(offset, appendedMs, 0);
        return;
      case "cancels":
        if (entry >= 0) this.waiting.remove(entry);
        return;
      case "commits":
        if (entry < 0) this.#ignore(offset);
        else this.#commit(entry, offset);
        return;
      case "rolls back":
        if (entry < 0) this.#ignore(offset);
        else this.#rollBack(entry);
    }
  }

  /**
   * A moved record is void unless it says how the message still waits: what is void is forgotten,
   * and if the message waits it does so under its old offset.
   */
  #applyMoved(from: number, offset: number, appendedMs: number): void {
    const { waiting } = this;
    const progress = this.#rules.progress(this.#walk);
    const entry = waiting.find(isResolved(progress) ? wordsWithoutId(from) : idHash);
    const isThere = entry >= 0 && waiting.offsetOf(entry) === from;
    if (isThere && waiting.progressOf(entry) === progress) {
      waiting.move(entry, offset);
      this.onMoved(from, offset);
      if (isResolved(progress)) waiting.rename(entry, wordsWithoutId(offset));
    } else if (isThere || from >= this.#firstOffset) {
      this.toForget.set(offset, { offset, word0: idHash[0]!, word1: idHash[1]! });
    } else if (entry < 0) this.#add(offset, appendedMs, progress);
  }

  #add(offset: number, appendedMs: number, progress: number): void {
    const dueMs = this.#rules.dueMs(this.#walk, appendedMs);
    const words = isResolved(progress) ? wordsWithoutId(offset) : idHash;
    this.waiting.add(words, offset, dueMs, progress);
  }

  /** It is due at once, in the order of the resolutions: their offsets are times long ago. */
  #commit(entry: number, resolutionOffset: number): void {
    this.waiting.rename(entry, wordsWithoutId(this.waiting.offsetOf(entry)));
    this.waiting.advance(entry, COMMITTED, resolutionOffset);
    this.counts.committed += 1;
  }

  #rollBack(entry: number): void {
    this.waiting.remove(entry);
    this.counts.rolledBack += 1;
  }

  #ignore(offset: number): void {
    this.counts.ignored += 1;
    this.ignoredOffset = offset;
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
      case "delivered": {
        const delivery = this.#close(record);
        if (delivery?.isCheck) this.#askedFor(delivery, record.nextMs);
        return;
      }
      case "returned": {
        const delivery = this.#close(record);
        if (delivery?.isCheck) this.#notAskedFor(delivery);
        else if (delivery !== null) this.#waitAgain(delivery);
        return;
      }
      case "forgotten": {
        this.toForget.delete(record.offset);
        const entry = this.#entryAt(record);
        if (entry >= 0) this.waiting.remove(entry);
        return;
      }
      case "cancelled":
      case "committed":
      case "hurried": {
        const entry = this.waiting.findAt(record.offset, record.word0);
        if (entry < 0) return;
        this.inTime.add(offset);
        if (record.kind === "cancelled") this.#rollBack(entry);
        else if (record.kind === "committed") this.#commit(entry, offset);
        else this.waiting.putBack(entry, 0);
      }
    }
  }

  /** By its hash, or by its offset if its id was freed. -1 when it does not wait. */
  #entryAt({ offset, word0 }: MessageRef): number {
    const entry = this.waiting.findAt(offset, word0);
    return entry >= 0 ? entry : this.waiting.findAt(offset, wordsWithoutId(offset)[0]!);
  }

  #take(delivery: Delivery, recordOffset: number): void {
    const key = placeKey(delivery);
    if (this.open.has(key)) return;
    const { waiting } = this;
    const { isCheck, reason } = delivery;
    const messages = delivery.messages.filter(({ offset, word0, progress }) => {
      const entry = waiting.findAt(offset, word0);
      if (entry < 0 || waiting.progressOf(entry) !== progress) return false;
      if (isCheck) waiting.advance(entry, progress + 1, ASKED_MS);
      else waiting.remove(entry);
      if (this.#isUnresolved(progress, reason)) this.counts.unresolved += 1;
      return true;
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

  #askedFor({ messages }: Delivery, nextMs: number): void {
    this.counts.checks += messages.length;
    for (const message of messages) {
      const entry = this.#entryAskedFor(message);
      if (entry >= 0) this.waiting.putBack(entry, nextMs);
    }
  }

  #notAskedFor({ messages }: Delivery): void {
    for (const [order, message] of messages.entries()) {
      const entry = this.#entryAskedFor(message);
      if (entry >= 0) this.waiting.advance(entry, message.progress, order);
    }
  }

  /** -1 if it was resolved or replaced since it was asked for. */
  #entryAskedFor({ offset, word0, progress }: TakenRef): number {
    const entry = this.waiting.findAt(offset, word0);
    return entry >= 0 && this.waiting.progressOf(entry) === progress + 1 ? entry : -1;
  }

  /** They are due at once, in their order: their time had come when they were taken. */
  #waitAgain({ messages, reason }: Delivery): void {
    for (const [order, { offset, word0, word1, progress }] of messages.entries()) {
      const isRolledBack = this.#isUnresolved(progress, reason);
      const words = isRolledBack ? wordsWithoutId(offset) : [word0, word1];
      // If its id waits, it was replaced on its way.
      if (this.waiting.find(words) >= 0) continue;
      this.waiting.add(words, offset, order, isRolledBack ? rolledBackAfter(progress) : progress);
    }
  }

  /** Whether a delivery with this reason is what rolls the message back. */
  #isUnresolved(progress: number, reason: string | null): boolean {
    return this.#rules.needsResolution && reason !== null && !isResolved(progress);
  }
}

export function placeKey({ topicId, partition }: Pick<Delivery, "topicId" | "partition">): string {
  return `${topicId}-${partition}`;
}
